/* SPDX-License-Identifier: MIT */
/*
 * The command line of `holdfast`.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/output.h"

enum {
	OUTPUT = 256,
	SCREENSHOT,
	SOCKET,
	TRACE,
	STATS,
	JSON,
	CRTC,
	SCANOUT,
	SPLIT,
	NON_COHERENT,
	POOL,
	MEMORY,
	CLIENT_MEMORY,
	DEVICE,
	UNSAFE_NO_IOMMU,
	SCENARIO,
	CLOCK,
	HELP,
	PLANES,
	VIRTUAL_CURSOR,
	CHECK,
	STRICT,
	PROBLEMS,
	OBJECTS,
	FORMAT,
	DURATION,
	RECORD,
	CONNECTOR,
	FRAMES,
	VNC,
	HTTP,
	NOVNC,
	PASSWORD_FILE,
	VIEW_ONLY,
	VIEW,
	NO_SEAT,
	LOGIND,
	LAYOUT,
};

/* Which commands an option belongs to. */
enum {
	RUN = 1,
	SERVE = 2,
	SHOT = 4,
	INFO = 8,
	TOP = 16,
	INJECT = 32,
	VBLANK = 64,
	TRACING = 128,
	RECORDING = 256,
	VIEWING = 512,
	INPUT = 1024,
};

static const struct command {
	const char *name;
	unsigned int bit;
	int (*run)(const struct hf_cli_options *options, int argc,
		   char **argv);
} commands[] = {
	{ "run", RUN, hf_cli_run },
	{ "serve", SERVE, hf_cli_serve },
	{ "screenshot", SHOT, hf_cli_screenshot },
	{ "info", INFO, hf_cli_info },
	{ "top", TOP, hf_cli_top },
	{ "trace", TRACING, hf_cli_trace },
	{ "inject", INJECT, hf_cli_inject },
	{ "input", INPUT, hf_cli_input },
	{ "vblank", VBLANK, hf_cli_vblank },
	{ "record", RECORDING, hf_cli_record },
	{ "view", VIEWING, hf_cli_view },
};

static const struct option long_options[] = {
	{ "output", required_argument, NULL, OUTPUT },
	{ "screenshot", required_argument, NULL, SCREENSHOT },
	{ "socket", required_argument, NULL, SOCKET },
	{ "trace", required_argument, NULL, TRACE },
	{ "stats", no_argument, NULL, STATS },
	{ "scanout", required_argument, NULL, SCANOUT },
	{ "split", no_argument, NULL, SPLIT },
	{ "non-coherent", no_argument, NULL, NON_COHERENT },
	{ "pool", required_argument, NULL, POOL },
	{ "memory", required_argument, NULL, MEMORY },
	{ "client-memory", required_argument, NULL, CLIENT_MEMORY },
	{ "device", required_argument, NULL, DEVICE },
	{ "unsafe-no-iommu", no_argument, NULL, UNSAFE_NO_IOMMU },
	{ "planes", required_argument, NULL, PLANES },
	{ "virtual-cursor", no_argument, NULL, VIRTUAL_CURSOR },
	{ "check", no_argument, NULL, CHECK },
	{ "strict", no_argument, NULL, STRICT },
	{ "problems", no_argument, NULL, PROBLEMS },
	{ "objects", no_argument, NULL, OBJECTS },
	{ "json", no_argument, NULL, JSON },
	{ "crtc", required_argument, NULL, CRTC },
	{ "format", required_argument, NULL, FORMAT },
	{ "duration", required_argument, NULL, DURATION },
	{ "scenario", required_argument, NULL, SCENARIO },
	{ "clock", required_argument, NULL, CLOCK },
	{ "help", no_argument, NULL, HELP },
	{ "record", required_argument, NULL, RECORD },
	{ "connector", required_argument, NULL, CONNECTOR },
	{ "frames", required_argument, NULL, FRAMES },
	{ "vnc", required_argument, NULL, VNC },
	{ "http", required_argument, NULL, HTTP },
	{ "novnc", required_argument, NULL, NOVNC },
	{ "password-file", required_argument, NULL, PASSWORD_FILE },
	{ "view-only", no_argument, NULL, VIEW_ONLY },
	{ "view", optional_argument, NULL, VIEW },
	{ "no-seat", no_argument, NULL, NO_SEAT },
	{ "logind", no_argument, NULL, LOGIND },
	{ "layout", required_argument, NULL, LAYOUT },
	{ 0 },
};

static unsigned int commands_of(int option)
{
	switch (option) {
	case OUTPUT:
		return RUN | SERVE | TRACING;
	case TRACE:
	case RECORD:
	case STATS:
	case SCREENSHOT:
	case SCANOUT:
	case SPLIT:
	case NON_COHERENT:
	case POOL:
	case MEMORY:
	case CLIENT_MEMORY:
	case DEVICE:
	case UNSAFE_NO_IOMMU:
	case SCENARIO:
	case CLOCK:
	case PLANES:
	case VIRTUAL_CURSOR:
	case CHECK:
	case STRICT:
	case VIEW:
	case NO_SEAT:
		return RUN | SERVE;
	case LOGIND:
		return RUN;
	case HELP:
		return INJECT | VBLANK | INPUT;
	case LAYOUT:
		return INPUT;
	case JSON:
	case PROBLEMS:
	case OBJECTS:
		return INFO;
	case CRTC:
	case CONNECTOR:
		return SHOT | RECORDING | VIEWING;
	case VNC:
	case HTTP:
	case NOVNC:
		return VIEWING;
	case PASSWORD_FILE:
	case VIEW_ONLY:
		return RUN | SERVE | VIEWING;
	case FORMAT:
		return TRACING;
	case DURATION:
		return TRACING | RECORDING;
	case FRAMES:
		return RECORDING;
	default:
		return RUN | SERVE | SHOT | INFO | TOP | INJECT | VBLANK |
		       TRACING | RECORDING | VIEWING | INPUT;
	}
}

int hf_cli_error(const char *fmt, ...)
{
	va_list ap;

	fputs("holdfast: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return HF_EXIT_USAGE;
}

static void print_help(void)
{
	puts("Usage: holdfast run [OPTION]... -- PROGRAM [ARGUMENT]...\n"
	     "       holdfast serve [OPTION]...\n"
	     "       holdfast screenshot [--socket PATH] [--crtc N | --connector NAME]\n"
	     "                           FILE.png | -\n"
	     "       holdfast record [--socket PATH] [--crtc N | --connector NAME]\n"
	     "                       [--frames N] [--duration SECONDS] FILE\n"
	     "       holdfast view [--socket PATH] [--crtc N | --connector NAME]\n"
	     "                     [--vnc [ADDRESS:]PORT] [--http [ADDRESS:]PORT]\n"
	     "                     [--password-file FILE] [--view-only] [--novnc DIR]\n"
	     "       holdfast info [--socket PATH] [--json | --objects | --problems]\n"
	     "       holdfast top [--socket PATH]\n"
	     "       holdfast trace [--socket PATH] [--format text|chrome]\n"
	     "                      [--output FILE] [--duration SECONDS]\n"
	     "       holdfast inject [--socket PATH] COMMAND...   (inject --help)\n"
	     "       holdfast input [--socket PATH] COMMAND...    (input --help)\n"
	     "       holdfast vblank [--socket PATH] step [N] [--crtc N]|run|stop|fast\n"
	     "\n"
	     "run    start a DRM device, run PROGRAM on it, exit with its status\n"
	     "serve  keep a device running and print how to use it\n"
	     "\n"
	     "  --output [WxH[@HZ]][,ATTRIBUTE[=VALUE]]...\n"
	     "                         a connector and its monitor (repeat for more;\n"
	     "                         default 1920x1080@60); attributes are below\n"
	     "  --planes N             overlay planes a CRTC, 0 to 8 (default: 1)\n"
	     "  --virtual-cursor       cursors have a hotspot, as on a virtual machine\n"
	     "  --screenshot FILE.png  write what the first output showed last\n"
	     "  --socket PATH          listen there; run joins a server that does\n"
	     "  --check                say what programs do wrong with what is shown\n"
	     "  --strict               the same, and fail where they did\n"
	     "  --trace FILE           write down every ioctl and event: as lines, or\n"
	     "                         for Perfetto where FILE ends in .json\n"
	     "  --record FILE          frames of the first output as they are flipped: to a\n"
	     "                         video (.mkv .mp4 .webm .gif .y4m) or to pictures\n"
	     "                         (%05d.png)\n"
	     "  --view[=[ADDRESS:]PORT]\n"
	     "                         have it watched, in a browser and with VNC viewers;\n"
	     "                         with --password-file and --view-only as holdfast view\n"
	     "  --stats                print a line of figures at the end\n"
	     "  --scanout iommu|contiguous\n"
	     "                         does the display have an IOMMU? (default: iommu)\n"
	     "  --split                display and engine are two devices\n"
	     "  --non-coherent         devices work on what was synced to them last\n"
	     "  --pool SIZE            of the contiguous pool (K, M, G; default 1G)\n"
	     "  --memory SIZE          that objects may take (default: no limit)\n"
	     "  --client-memory SIZE   that those of one client may take (default: half\n"
	     "                         of the machine's)\n"
	     "  --device soft|vfio:ADDRESS\n"
	     "                         in software, or a PCI device such as\n"
	     "                         vfio:0000:00:03.0 that is bound to vfio-pci\n"
	     "  --unsafe-no-iommu      drive that without an IOMMU: it can then write\n"
	     "                         to all of the machine's memory\n"
	     "  --scenario FILE        things that happen to the device, and when\n"
	     "  --clock real|manual|fast\n"
	     "                         how its time passes: by itself, by holdfast vblank,\n"
	     "                         or whenever all programs wait\n"
	     "  --logind               a login manager on a system bus, as systemd has one\n"
	     "  --no-seat              no input devices: only what the machine has\n"
	     "  --help, --version\n"
	     "\n"
	     "Attributes of an output:");
	hf_output_help(stdout);
}

static int parse_output(struct hf_cli_options *options, const char *text)
{
	char why[HF_OUTPUT_WHY];

	if (options->noutputs == HF_KMS_MAX_OUTPUTS)
		return hf_cli_error("at most %d outputs",
				    HF_KMS_MAX_OUTPUTS);
	if (hf_output_parse(text, &options->outputs[options->noutputs], why) ||
	    hf_outputs_check(options->outputs, ++options->noutputs, why))
		return hf_cli_error("--output: %s", why);
	return 0;
}

/* Whole pages, with K, M or G behind the number. */
static int parse_size(const char *option, size_t *size)
{
	static const char units[] = "KMG";
	char unit = 0, more;
	unsigned int shift = 0;
	unsigned long long n;
	int fields;

	fields = sscanf(optarg, "%13llu%c%c", &n, &unit, &more);
	if (fields == 2 && strchr(units, unit))
		shift = 10 * (strchr(units, unit) - units + 1);
	if (*optarg < '0' || *optarg > '9' || (fields != 1 && !shift) ||
	    n >> (63 - shift))
		return hf_cli_error("%s %s: not a size such as 256M", option,
				    optarg);
	*size = n << shift;
	if (!*size || *size % HF_PAGE_SIZE)
		return hf_cli_error("%s %s: not whole pages of 4K", option,
				    optarg);
	return 0;
}

static int parse_scanout(struct hf_cli_options *options)
{
	options->contiguous = !strcmp(optarg, "contiguous");
	if (!options->contiguous && strcmp(optarg, "iommu"))
		return hf_cli_error("--scanout %s: neither iommu nor contiguous",
				    optarg);
	return 0;
}

static int parse_device(struct hf_cli_options *options)
{
	if (!strncmp(optarg, "vfio:", 5))
		options->vfio = optarg + 5;
	else if (!strcmp(optarg, "soft"))
		options->vfio = NULL;
	else
		return hf_cli_error("--device %s: neither soft nor vfio:ADDRESS",
				    optarg);
	return 0;
}

static int parse_clock(struct hf_cli_options *options)
{
	static const char *const names[] = {
		[HF_CLOCK_RUNS] = "real",
		[HF_CLOCK_STANDS] = "manual",
		[HF_CLOCK_JUMPS] = "fast",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(optarg, names[i]))
			continue;
		options->pace = i;
		return 0;
	}
	return hf_cli_error("--clock %s: neither real, manual nor fast", optarg);
}

static int parse_planes(struct hf_cli_options *options)
{
	if (*optarg < '0' || *optarg > '0' + HF_KMS_MAX_OVERLAYS || optarg[1])
		return hf_cli_error("--planes %s: not a number from 0 to %d",
				    optarg, HF_KMS_MAX_OVERLAYS);
	options->overlays = *optarg - '0';
	options->has_overlays = true;
	return 0;
}

/* What the hardware says of itself is not to be said on the command line. */
static bool is_soft_only(int option)
{
	return option == OUTPUT || option == SCANOUT ||
	       option == NON_COHERENT || option == PLANES || option == CLOCK;
}

static int parse_format(struct hf_cli_options *options)
{
	options->format = optarg;
	if (strcmp(optarg, "text") && strcmp(optarg, "chrome"))
		return hf_cli_error("--format %s: neither text nor chrome",
				    optarg);
	return 0;
}

static int parse_number(const char *option, unsigned long *number)
{
	char more;

	if (*optarg < '0' || *optarg > '9' ||
	    sscanf(optarg, "%9lu%c", number, &more) != 1 || !*number)
		return hf_cli_error("%s %s: not a number", option, optarg);
	return 0;
}

static int parse_crtc(struct hf_cli_options *options)
{
	char more;

	if (*optarg < '0' || *optarg > '9' ||
	    sscanf(optarg, "%9u%c", &options->crtc, &more) != 1)
		return hf_cli_error("--crtc %s: not a number", optarg);
	return 0;
}

static int parse_duration(struct hf_cli_options *options)
{
	char more;

	if (strspn(optarg, "0123456789.") != strlen(optarg) ||
	    sscanf(optarg, "%lf%c", &options->duration, &more) != 1 ||
	    !(options->duration > 0) || options->duration > 1e9)
		return hf_cli_error("--duration %s: not a number of seconds",
				    optarg);
	return 0;
}

static int parse_option(const struct command *command,
			struct hf_cli_options *options, int option)
{
	switch (option) {
	case OUTPUT:
		if (command->bit != TRACING)
			return parse_output(options, optarg);
		options->path = optarg;
		return 0;
	case RECORD:
		options->record = optarg;
		return 0;
	case CONNECTOR:
		options->connector = optarg;
		return 0;
	case FRAMES:
		return parse_number("--frames", &options->frames);
	case VNC:
		options->vnc = optarg;
		return 0;
	case HTTP:
		options->http = optarg;
		return 0;
	case NOVNC:
		options->novnc = optarg;
		return 0;
	case PASSWORD_FILE:
		options->password_file = optarg;
		return 0;
	case VIEW_ONLY:
		options->view_only = true;
		return 0;
	case VIEW:
		options->view = true;
		options->view_port = optarg;
		return 0;
	case FORMAT:
		return parse_format(options);
	case DURATION:
		return parse_duration(options);
	case SCREENSHOT:
		options->screenshot = optarg;
		return 0;
	case SOCKET:
		options->socket = optarg;
		return 0;
	case TRACE:
		options->trace = optarg;
		return 0;
	case STATS:
		options->stats = true;
		return 0;
	case JSON:
		options->json = true;
		return 0;
	case CHECK:
		options->check = true;
		return 0;
	case STRICT:
		options->check = options->strict = true;
		return 0;
	case PROBLEMS:
		options->problems = true;
		return 0;
	case OBJECTS:
		options->objects = true;
		return 0;
	case SCANOUT:
		return parse_scanout(options);
	case SPLIT:
		options->split = true;
		return 0;
	case NON_COHERENT:
		options->incoherent = true;
		return 0;
	case POOL:
		return parse_size("--pool", &options->pool);
	case MEMORY:
		return parse_size("--memory", &options->memory);
	case CLIENT_MEMORY:
		return parse_size("--client-memory", &options->client_memory);
	case DEVICE:
		return parse_device(options);
	case UNSAFE_NO_IOMMU:
		options->unsafe_no_iommu = true;
		return 0;
	case SCENARIO:
		options->scenario = optarg;
		return 0;
	case CLOCK:
		return parse_clock(options);
	case HELP:
		options->help = true;
		return 0;
	case PLANES:
		return parse_planes(options);
	case VIRTUAL_CURSOR:
		options->virtual_cursor = true;
		return 0;
	case LAYOUT:
		options->layout = optarg;
		return 0;
	case NO_SEAT:
		options->no_seat = true;
		return 0;
	case LOGIND:
		options->logind = true;
		return 0;
	default:
		return parse_crtc(options);
	}
}

static int parse_options(const struct command *command,
			 struct hf_cli_options *options, int argc, char **argv)
{
	const char *soft_only = NULL;
	int option, ret;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) !=
	       -1) {
		const char *word = argv[optind - 1];

		if (option == ':')
			return hf_cli_error("%s needs a value", word);
		if (option == '?' || !(commands_of(option) & command->bit))
			return hf_cli_error("%s does not know %s",
					    command->name, word);
		ret = parse_option(command, options, option);
		if (ret)
			return ret;
		if (is_soft_only(option))
			soft_only = word;
	}
	if (options->vfio && soft_only)
		return hf_cli_error("%s is for the soft device", soft_only);
	if (options->unsafe_no_iommu && !options->vfio)
		return hf_cli_error("--unsafe-no-iommu is for --device vfio:ADDRESS");
	if (!options->noutputs)
		options->outputs[options->noutputs++] =
			(struct hf_kms_output){
				.width = 1920, .height = 1080, .hz = 60 };
	return 0;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct hf_cli_options options = { .crtc = HF_KMS_MAIN };
	int ret = parse_options(command, &options, argc, argv);

	if (!ret)
		ret = command->run(&options, argc - optind, argv + optind);
	for (size_t i = 0; i < options.noutputs; i++)
		hf_output_finish(&options.outputs[i]);
	return ret;
}

int main(int argc, char **argv)
{
	hf_log_init();
	if (argc < 2)
		return hf_cli_error("no command; see holdfast --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("holdfast " HF_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run_command(&commands[i], argc - 1, argv + 1);
	return hf_cli_error("%s: no such command; see holdfast --help",
			    argv[1]);
}
