// SPDX-License-Identifier: MIT
// A DRM client whose system calls are rustix's own, as in Smithay's compositors.
use rustix::fd::AsFd;
use rustix::fs::{cwd, openat, Mode, OFlags};
use rustix::io::{poll, PollFd, PollFlags};

fn main() {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let card = openat(cwd(), "/dev/dri/card0", flags, Mode::empty()).expect("card0");
    let stat = rustix::fs::fstat(&card).expect("fstat");
    assert_eq!(stat.st_rdev >> 8, 226);
    let mut fds = [PollFd::new(&card, PollFlags::IN | PollFlags::OUT)];
    assert_eq!(poll(&mut fds, 0).expect("poll"), 0);
    let copy = rustix::io::dup(card.as_fd()).expect("dup");
    drop(card);
    let other = std::thread::spawn(move || rustix::fs::fstat(&copy).expect("fstat").st_rdev);
    assert_eq!(other.join().unwrap(), stat.st_rdev);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let dev = openat(cwd(), "/sys/class/drm/card0/dev", flags, Mode::empty()).expect("dev");
    let mut text = [0u8; 16];
    let n = rustix::io::read(&dev, &mut text).expect("read");
    assert_eq!(&text[..n], b"226:0\n");
}
