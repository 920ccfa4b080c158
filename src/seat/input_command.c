/* SPDX-License-Identifier: MIT */
/*
 * From words to what a person does: "type hello", "key ctrl+c", "move 100 200". Every
 * mistake is a sentence, and then nothing of the command is done.
 *
 * The system's lock is held, where there is a seat.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "seat/input_device.h"
#include "seat/keymap.h"

#define MSEC UINT64_C(1000000)

/* Between two things that a person does. Programs take two clicks that follow each
 * other too soon for one of a worn-out switch. */
#define KEY_PAUSE_NS (1 * MSEC)
#define BUTTON_PAUSE_NS (30 * MSEC)
#define MOVE_PAUSE_NS (1 * MSEC)
#define TOUCH_PAUSE_NS (10 * MSEC)

#define MAX_KEYS 16
#define MAX_PIXELS 65536
#define NOTCH 120 /* of a wheel of high resolution */

/* The words that are left, and what has become of those before. */
struct parse {
	struct hf_seat *seat; /* NULL: only the words are looked at */
	const char *const *words;
	size_t n;
	struct hf_input_steps steps;
	struct hf_input_finger fingers[HF_INPUT_SLOTS];
	uint32_t touches;
	char *why;
};

__attribute__((format(printf, 2, 3)))
static int mistake(struct parse *parse, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(parse->why, HF_INPUT_WHY, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(struct parse *parse)
{
	mistake(parse, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

static const char *take(struct parse *parse)
{
	parse->n--;
	return *parse->words++;
}

static int add(struct parse *parse, unsigned int device, uint64_t pause,
	       unsigned int type, unsigned int code, int32_t value)
{
	struct hf_input_step *step =
		hf_input_steps_add(&parse->steps, device, pause);

	if (!step)
		return no_memory(parse);
	hf_input_step_code(step, type, code, value);
	return 0;
}

static int take_number(struct parse *parse, const char *what, long min, long max,
		       int32_t *number)
{
	const char *word;
	char *end;
	long n;

	if (!parse->n)
		return mistake(parse, "%s is missing", what);
	word = take(parse);
	errno = 0;
	n = strtol(word, &end, 10);
	if (end == word || *end || errno || n < min || n > max)
		return mistake(parse, "%s: %s is a number from %ld to %ld",
			       word, what, min, max);
	*number = (int32_t)n;
	return 0;
}

/* -- keys ------------------------------------------------------------------ */

static int press(struct parse *parse, uint32_t code, int value)
{
	return add(parse, HF_INPUT_KEYBOARD, KEY_PAUSE_NS, EV_KEY, code, value);
}

/* Keys that are held together, in the order in which they are pressed. */
struct chord {
	uint32_t codes[MAX_KEYS];
	unsigned int n;
};

static int chord_add(struct parse *parse, struct chord *chord, uint32_t code)
{
	for (unsigned int i = 0; i < chord->n; i++)
		if (chord->codes[i] == code)
			return 0;
	if (chord->n == MAX_KEYS)
		return mistake(parse, "more than %d keys at once", MAX_KEYS);
	chord->codes[chord->n++] = code;
	return 0;
}

/* Add a symbol's key, behind what has to be held with it. */
static int chord_add_symbol(struct parse *parse, struct chord *chord,
			    uint32_t keysym, const char *name)
{
	uint32_t code = 0, modifiers = 0;
	int ret = 0;

	if (parse->seat)
		ret = hf_keymap_keysym(parse->seat, keysym, &code, &modifiers);
	if (ret == -ENODATA)
		return mistake(parse, "no keyboard layout: is xkb-data there?");
	if (ret == -ENOMEM)
		return no_memory(parse);
	if (ret)
		return mistake(parse, "%s: not on this keyboard's layout", name);
	if (modifiers & HF_KEYMAP_SHIFT)
		ret = chord_add(parse, chord, KEY_LEFTSHIFT);
	if (!ret && (modifiers & HF_KEYMAP_ALTGR))
		ret = chord_add(parse, chord, KEY_RIGHTALT);
	return ret ? ret : chord_add(parse, chord, code);
}

/* A key by its name, or "#30" by its code. */
static int chord_add_name(struct parse *parse, struct chord *chord,
			  const char *name)
{
	uint32_t keysym;
	char *end;
	unsigned long code;

	if (name[0] == '#' && name[1]) {
		code = strtoul(name + 1, &end, 10);
		if (*end || !code || code > KEY_MAX)
			return mistake(parse, "%s: no code of a key", name);
		return chord_add(parse, chord, (uint32_t)code);
	}
	keysym = hf_keymap_parse(name);
	if (!keysym)
		return mistake(parse, "%s: no key is called so", name);
	return chord_add_symbol(parse, chord, keysym, name);
}

/* "ctrl+alt+f2"; a plus that is a key stands alone or last: "ctrl++". */
static int parse_chord(struct parse *parse, const char *word,
		       struct chord *chord)
{
	char name[64];
	int ret = 0;

	chord->n = 0;
	if (!*word)
		return mistake(parse, "the name of a key is empty");
	while (!ret && *word) {
		size_t length = strcspn(word + 1, "+") + 1;

		if (length >= sizeof(name))
			return mistake(parse, "%.40s…: no key is called so",
				       word);
		memcpy(name, word, length);
		name[length] = '\0';
		word += length;
		if (*word == '+' && !*++word)
			return mistake(parse, "a key is missing behind the +");
		ret = chord_add_name(parse, chord, name);
	}
	return ret;
}

static int press_chord(struct parse *parse, const struct chord *chord)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < chord->n; i++)
		ret = press(parse, chord->codes[i], 1);
	return ret;
}

static int release_chord(struct parse *parse, const struct chord *chord)
{
	int ret = 0;

	for (unsigned int i = chord->n; !ret && i > 0; i--)
		ret = press(parse, chord->codes[i - 1], 0);
	return ret;
}

static int each_chord(struct parse *parse, bool down, bool up)
{
	struct chord chord;
	int ret = 0;

	if (!parse->n)
		return mistake(parse, "which key?");
	while (!ret && parse->n) {
		ret = parse_chord(parse, take(parse), &chord);
		if (!ret && down)
			ret = press_chord(parse, &chord);
		if (!ret && up)
			ret = release_chord(parse, &chord);
	}
	return ret;
}

static int do_key(struct parse *parse)
{
	return each_chord(parse, true, true);
}

static int do_press(struct parse *parse)
{
	return each_chord(parse, true, false);
}

/* All that are down, where none is named. */
static int do_release(struct parse *parse)
{
	const struct hf_input *input;
	int ret = 0;

	if (parse->n)
		return each_chord(parse, false, true);
	input = parse->seat ? parse->seat->input[HF_INPUT_KEYBOARD] : NULL;
	for (unsigned int key = 0; input && !ret && key < KEY_CNT; key++)
		if (hf_input_bit(input->key, key))
			ret = press(parse, key, 0);
	return ret;
}

static int type_text(struct parse *parse, const char *text)
{
	struct chord chord;
	int ret = 0;

	while (!ret && *text) {
		const char *character = text;
		uint32_t keysym = hf_keymap_next(&text);
		char name[8] = "";

		if (!keysym)
			return mistake(parse, "%.20s: not a text in UTF-8",
				       character);
		memcpy(name, character, (size_t)(text - character));
		chord.n = 0;
		ret = chord_add_symbol(parse, &chord, keysym, name);
		if (!ret)
			ret = press_chord(parse, &chord);
		if (!ret)
			ret = release_chord(parse, &chord);
	}
	return ret;
}

static int do_type(struct parse *parse)
{
	int ret = 0;

	if (!parse->n)
		return mistake(parse, "what is to be typed?");
	while (!ret && parse->n) {
		ret = type_text(parse, take(parse));
		if (!ret && parse->n)
			ret = type_text(parse, " ");
	}
	return ret;
}

/* -- a symbol that goes down or up, whatever is held ------------------------- */

/* Shift keys or AltGr, all of which have to be in a state for a while. */
static int set_modifier(struct parse *parse, bool wanted, unsigned int left,
			unsigned int right, int *undo_code, int *undo_value)
{
	const struct hf_input *input = parse->seat->input[HF_INPUT_KEYBOARD];
	bool first = hf_input_bit(input->key, left);
	bool second = hf_input_bit(input->key, right);

	*undo_code = 0;
	if (wanted == (first || second))
		return 0;
	*undo_code = wanted || first ? (int)left : (int)right;
	*undo_value = !wanted;
	return press(parse, (uint32_t)*undo_code, wanted);
}

static int press_symbol(struct parse *parse, const struct chord *chord)
{
	uint32_t code = chord->codes[chord->n - 1];
	bool shift = false, altgr = false;
	int codes[2] = { 0 }, values[2] = { 0 }, ret;

	for (unsigned int i = 0; i + 1 < chord->n; i++) {
		shift |= chord->codes[i] == KEY_LEFTSHIFT;
		altgr |= chord->codes[i] == KEY_RIGHTALT;
	}
	ret = set_modifier(parse, shift, KEY_LEFTSHIFT, KEY_RIGHTSHIFT,
			   &codes[0], &values[0]);
	if (!ret)
		ret = set_modifier(parse, altgr, KEY_RIGHTALT, KEY_RIGHTALT,
				   &codes[1], &values[1]);
	if (!ret)
		ret = press(parse, code, 1);
	for (int i = 1; !ret && i >= 0; i--)
		if (codes[i])
			ret = press(parse, (uint32_t)codes[i], values[i]);
	return ret;
}

/* Modifiers and keys that are no characters are what they are. */
static bool is_character(uint32_t keysym)
{
	return keysym < 0xfe00 || keysym >= 0x1000000;
}

/* What a viewer sends: "keysym 0x61 down". */
static int do_keysym(struct parse *parse)
{
	struct chord chord = { .n = 0 };
	const char *name, *what;
	uint32_t keysym;
	int ret;

	if (parse->n < 2)
		return mistake(parse, "which symbol, up or down?");
	name = take(parse);
	what = take(parse);
	keysym = hf_keymap_parse(name);
	if (!keysym)
		return mistake(parse, "%s: no key is called so", name);
	if (strcmp(what, "down") && strcmp(what, "up"))
		return mistake(parse, "%s: neither up nor down", what);
	ret = chord_add_symbol(parse, &chord, keysym, name);
	if (ret || !parse->seat)
		return ret;
	if (!strcmp(what, "up"))
		return press(parse, chord.codes[chord.n - 1], 0);
	return is_character(keysym) ? press_symbol(parse, &chord) :
				      press(parse, chord.codes[chord.n - 1], 1);
}

static int do_layout(struct parse *parse)
{
	const char *name;
	int ret;

	if (!parse->n)
		return mistake(parse, "which layout?");
	name = take(parse);
	ret = parse->seat ? hf_keymap_set(parse->seat, name) : 0;
	if (ret == -ENOMEM)
		return no_memory(parse);
	return ret ? mistake(parse, "%s: no such keyboard layout", name) : 0;
}

/* -- pointers -------------------------------------------------------------- */

struct place {
	int32_t x, y; /* of an axis */
};

/* The value of an axis that is in the middle of a pixel. */
static int32_t to_axis(int32_t at, int32_t first, int32_t size)
{
	return (int32_t)(((int64_t)(at - first) * 2 + 1) *
			 (HF_INPUT_ABS_MAX + 1) / (2 * (int64_t)size));
}

static int find_place(struct parse *parse, int32_t x, int32_t y,
		      const char *connector, struct place *place)
{
	const struct hf_seat *seat = parse->seat;
	struct hf_rect all, rect;
	int ret = seat->funcs->bounds(seat->data, connector, &all, &rect);

	if (ret == -ENOENT)
		return mistake(parse, "%s: no such connector", connector);
	if (ret && connector)
		return mistake(parse, "%s shows nothing", connector);
	if (ret)
		return mistake(parse, "nothing is shown anywhere");
	if (x < 0 || y < 0 || x >= rect.width || y >= rect.height)
		return mistake(parse, "%d %d is outside of %dx%d", x, y,
			       rect.width, rect.height);
	place->x = to_axis(rect.x + x, all.x, all.width);
	place->y = to_axis(rect.y + y, all.y, all.height);
	return 0;
}

/* "X Y [CONNECTOR]": pixels. */
static int parse_place(struct parse *parse, struct place *place)
{
	const char *connector = NULL;
	int32_t x, y;
	int ret = take_number(parse, "X", 0, MAX_PIXELS, &x);

	if (!ret)
		ret = take_number(parse, "Y", 0, MAX_PIXELS, &y);
	if (!ret && parse->n)
		connector = take(parse);
	*place = (struct place){ 0 };
	if (ret || !parse->seat)
		return ret;
	return find_place(parse, x, y, connector, place);
}

/* The same place as before would be no news, but another device may have moved it. */
static int32_t nudge(int32_t value)
{
	return value ? value - 1 : 1;
}

static int move_to(struct parse *parse, const struct place *place)
{
	const struct hf_input *input =
		parse->seat ? parse->seat->input[HF_INPUT_TABLET] : NULL;
	int ret = 0;

	if (input && input->abs[ABS_X].value == place->x &&
	    input->abs[ABS_Y].value == place->y)
		ret = add(parse, HF_INPUT_TABLET, MOVE_PAUSE_NS, EV_ABS, ABS_X,
			  nudge(place->x));
	if (!ret)
		ret = add(parse, HF_INPUT_TABLET, MOVE_PAUSE_NS, EV_ABS, ABS_X,
			  place->x);
	if (!ret)
		hf_input_step_code(&parse->steps.steps[parse->steps.n - 1],
				   EV_ABS, ABS_Y, place->y);
	return ret;
}

static int do_move(struct parse *parse)
{
	struct place place;
	int ret = parse_place(parse, &place);

	return ret ? ret : move_to(parse, &place);
}

static int do_motion(struct parse *parse)
{
	int32_t dx, dy;
	int ret = take_number(parse, "DX", -MAX_PIXELS, MAX_PIXELS, &dx);

	if (!ret)
		ret = take_number(parse, "DY", -MAX_PIXELS, MAX_PIXELS, &dy);
	if (!ret)
		ret = add(parse, HF_INPUT_MOUSE, MOVE_PAUSE_NS, EV_REL, REL_X,
			  dx);
	if (!ret)
		hf_input_step_code(&parse->steps.steps[parse->steps.n - 1],
				   EV_REL, REL_Y, dy);
	return ret;
}

static int parse_button(struct parse *parse, unsigned int *button)
{
	static const struct {
		const char *name;
		unsigned int button;
	} buttons[] = {
		{ "left", BTN_LEFT }, { "right", BTN_RIGHT },
		{ "middle", BTN_MIDDLE }, { "side", BTN_SIDE },
		{ "extra", BTN_EXTRA },
	};
	const char *word = take(parse);

	for (size_t i = 0; i < sizeof(buttons) / sizeof(*buttons); i++)
		if (!strcmp(word, buttons[i].name)) {
			*button = buttons[i].button;
			return 0;
		}
	return mistake(parse, "%s: not left, right, middle, side or extra",
		       word);
}

static int push_button(struct parse *parse, unsigned int button, int value)
{
	return add(parse, HF_INPUT_MOUSE, BUTTON_PAUSE_NS, EV_KEY, button,
		   value);
}

/* "click [BUTTON] [TIMES]" */
static int do_click(struct parse *parse)
{
	unsigned int button = BTN_LEFT;
	int32_t times = 1;
	int ret = 0;

	if (parse->n && (**parse->words < '0' || **parse->words > '9'))
		ret = parse_button(parse, &button);
	if (!ret && parse->n)
		ret = take_number(parse, "TIMES", 1, 100, &times);
	for (; !ret && times > 0; times--) {
		ret = push_button(parse, button, 1);
		if (!ret)
			ret = push_button(parse, button, 0);
	}
	return ret;
}

static int do_button(struct parse *parse)
{
	const char *what;
	unsigned int button = BTN_LEFT;
	int ret = 0;

	if (!parse->n)
		return mistake(parse, "press or release?");
	what = take(parse);
	if (strcmp(what, "press") && strcmp(what, "release"))
		return mistake(parse, "%s: neither press nor release", what);
	if (parse->n)
		ret = parse_button(parse, &button);
	return ret ? ret : push_button(parse, button, !strcmp(what, "press"));
}

/* Notches: down or, with "h", to the right, where it is not negative. */
static int do_scroll(struct parse *parse)
{
	bool horizontal;
	int32_t notches, by;
	int ret = take_number(parse, "N", -1000, 1000, &notches);

	if (ret)
		return ret;
	horizontal = parse->n && !strcmp(*parse->words, "h");
	if (horizontal)
		take(parse);
	/* Away from the person is up, for the device. */
	by = (notches < 0) == horizontal ? -1 : 1;
	for (notches = abs(notches); !ret && notches; notches--) {
		ret = add(parse, HF_INPUT_MOUSE, MOVE_PAUSE_NS, EV_REL,
			  horizontal ? REL_HWHEEL : REL_WHEEL, by);
		if (!ret)
			hf_input_step_code(
				&parse->steps.steps[parse->steps.n - 1], EV_REL,
				horizontal ? REL_HWHEEL_HI_RES :
					     REL_WHEEL_HI_RES, by * NOTCH);
	}
	return ret;
}

/* -- fingers --------------------------------------------------------------- */

static struct hf_input_finger *find_finger(struct parse *parse, uint32_t id)
{
	for (unsigned int i = 0; i < HF_INPUT_SLOTS; i++)
		if (parse->fingers[i].down && parse->fingers[i].id == id)
			return &parse->fingers[i];
	return NULL;
}

static struct hf_input_finger *new_finger(struct parse *parse, uint32_t id)
{
	for (unsigned int i = 0; i < HF_INPUT_SLOTS; i++) {
		struct hf_input_finger *finger = &parse->fingers[i];

		if (finger->down)
			continue;
		*finger = (struct hf_input_finger){
			.down = true,
			.id = id,
			.order = parse->touches++,
		};
		return finger;
	}
	return NULL;
}

/* The one that is taken for a pointer by programs that know of one only. */
static const struct hf_input_finger *first_finger(const struct parse *parse)
{
	const struct hf_input_finger *first = NULL;

	for (unsigned int i = 0; i < HF_INPUT_SLOTS; i++)
		if (parse->fingers[i].down &&
		    (!first || parse->fingers[i].order < first->order))
			first = &parse->fingers[i];
	return first;
}

static int touch_step(struct parse *parse, const struct hf_input_finger *finger,
		      bool tracking)
{
	const struct hf_input_finger *first = first_finger(parse);
	int slot = (int)(finger - parse->fingers);
	struct hf_input_step *step;

	step = hf_input_steps_add(&parse->steps, HF_INPUT_TOUCH,
				  TOUCH_PAUSE_NS);
	if (!step)
		return no_memory(parse);
	hf_input_step_code(step, EV_ABS, ABS_MT_SLOT, slot);
	if (tracking)
		hf_input_step_code(step, EV_ABS, ABS_MT_TRACKING_ID,
				   finger->down ? (int)(finger->order & 0xffff) :
						  -1);
	if (finger->down) {
		hf_input_step_code(step, EV_ABS, ABS_MT_POSITION_X, finger->x);
		hf_input_step_code(step, EV_ABS, ABS_MT_POSITION_Y, finger->y);
	}
	hf_input_step_code(step, EV_KEY, BTN_TOUCH, first != NULL);
	if (first) {
		hf_input_step_code(step, EV_ABS, ABS_X, first->x);
		hf_input_step_code(step, EV_ABS, ABS_Y, first->y);
	}
	return 0;
}

static int touch_down(struct parse *parse, uint32_t id)
{
	struct hf_input_finger *finger;
	struct place place;
	int ret = parse_place(parse, &place);

	if (ret)
		return ret;
	if (find_finger(parse, id))
		return mistake(parse, "finger %u is down already", id);
	finger = new_finger(parse, id);
	if (!finger)
		return mistake(parse, "more than %d fingers", HF_INPUT_SLOTS);
	finger->x = place.x;
	finger->y = place.y;
	return touch_step(parse, finger, true);
}

static int touch_move(struct parse *parse, uint32_t id)
{
	struct hf_input_finger *finger = find_finger(parse, id);
	struct place place;
	int ret = parse_place(parse, &place);

	if (ret || !parse->seat)
		return ret;
	if (!finger)
		return mistake(parse, "finger %u is not down", id);
	finger->x = place.x;
	finger->y = place.y;
	return touch_step(parse, finger, false);
}

static int touch_up(struct parse *parse, uint32_t id)
{
	struct hf_input_finger *finger = find_finger(parse, id);

	if (!parse->seat)
		return 0;
	if (!finger)
		return mistake(parse, "finger %u is not down", id);
	finger->down = false;
	return touch_step(parse, finger, true);
}

static int do_touch(struct parse *parse)
{
	const char *what;
	int32_t id;
	int ret;

	if (!parse->n)
		return mistake(parse, "touch down, move or up?");
	what = take(parse);
	ret = take_number(parse, "ID", 0, 1000000, &id);
	if (ret)
		return ret;
	if (!strcmp(what, "down"))
		return touch_down(parse, (uint32_t)id);
	if (!strcmp(what, "move"))
		return touch_move(parse, (uint32_t)id);
	if (!strcmp(what, "up"))
		return touch_up(parse, (uint32_t)id);
	return mistake(parse, "touch %s: not down, move or up", what);
}

/* -- the table ------------------------------------------------------------- */

/* clang-format off */
static const struct command {
	const char *name, *usage, *help;
	int device; /* that it needs; -1: none */
	int (*run)(struct parse *parse);
} commands[] = {
	{ "type", "TEXT...", "type it", HF_INPUT_KEYBOARD, do_type },
	{ "key", "CHORD...", "press and release keys, such as ctrl+alt+f2 or Return",
	  HF_INPUT_KEYBOARD, do_key },
	{ "press", "CHORD...", "press keys", HF_INPUT_KEYBOARD, do_press },
	{ "release", "[CHORD...]", "release keys (all that are down)",
	  HF_INPUT_KEYBOARD, do_release },
	{ "keysym", "KEYSYM down|up",
	  "press or release a symbol, whatever else is held",
	  HF_INPUT_KEYBOARD, do_keysym },
	{ "layout", "LAYOUT[:VARIANT]",
	  "what the keyboard's keys mean to programs, for the rest of the time",
	  -1, do_layout },
	{ "move", "X Y [CONNECTOR]",
	  "move the pointer there, in pixels of the desktop or of a connector",
	  HF_INPUT_TABLET, do_move },
	{ "motion", "DX DY", "move the mouse by so much", HF_INPUT_MOUSE, do_motion },
	{ "click", "[left|right|middle|side|extra] [TIMES]", "click a button",
	  HF_INPUT_MOUSE, do_click },
	{ "button", "press|release [left|right|middle|side|extra]",
	  "press or release it", HF_INPUT_MOUSE, do_button },
	{ "scroll", "N [h]", "turn the wheel down (or right) by so many notches",
	  HF_INPUT_MOUSE, do_scroll },
	{ "touch", "down|move ID X Y [CONNECTOR] | up ID",
	  "put a finger on the screen, move it, take it away",
	  HF_INPUT_TOUCH, do_touch },
};
/* clang-format on */

void hf_input_help(FILE *file)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(file, "  %s %s\n      %s\n", commands[i].name,
			commands[i].usage, commands[i].help);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int run_command(struct parse *parse)
{
	const struct command *command;
	const char *name;
	int ret;

	if (!parse->n)
		return mistake(parse, "no command");
	name = take(parse);
	command = find_command(name);
	if (!command)
		return mistake(parse, "%s: no such command", name);
	if (parse->seat && command->device >= 0 &&
	    !parse->seat->input[command->device]->plugged) {
		mistake(parse, "%s: the device is unplugged", name);
		return -ENODEV;
	}
	ret = command->run(parse);
	if (!ret && parse->n)
		return mistake(parse, "%s does not know %s", name,
			       *parse->words);
	return ret;
}

int hf_input_parse(const char *const *words, size_t n, char why[HF_INPUT_WHY])
{
	struct parse parse = { .words = words, .n = n, .why = why };
	int ret = run_command(&parse);

	free(parse.steps.steps);
	return ret;
}

int hf_input_command(struct hf_seat *seat, const char *const *words, size_t n,
		     char why[HF_INPUT_WHY])
{
	struct parse parse = { .seat = seat, .words = words, .n = n, .why = why };
	struct hf_input_queue *queue = &seat->queue;
	int ret;

	memcpy(parse.fingers, queue->fingers, sizeof(parse.fingers));
	parse.touches = queue->touches;
	ret = run_command(&parse);
	if (ret) {
		free(parse.steps.steps);
		return ret;
	}
	ret = hf_input_queue_add(queue, &parse.steps);
	if (ret) {
		mistake(&parse, "%s", ret == -E2BIG ? "too much at once" :
						      strerror(-ret));
		return ret;
	}
	memcpy(queue->fingers, parse.fingers, sizeof(parse.fingers));
	queue->touches = parse.touches;
	return 0;
}
