// SPDX-License-Identifier: MIT
// A DRM client whose runtime makes system calls by itself. With cgo the program has
// the C library, too, which is what loads the shim.
package main

// #include <stdlib.h>
import "C"

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"unsafe"
)

type version struct {
	major, minor, patch int32
	nameLen             uint64
	name                *byte
	dateLen             uint64
	date                *byte
	descLen             uint64
	desc                *byte
}

func look() {
	card, err := os.OpenFile("/dev/dri/card0", os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	defer card.Close()
	name := make([]byte, 8)
	v := version{nameLen: 8, name: &name[0]}
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, card.Fd(), 0xc0406400, uintptr(unsafe.Pointer(&v)))
	if e != 0 || string(name) != "holdfast" {
		panic(e)
	}
}

func main() {
	C.free(nil)
	look()
	if len(os.Args) > 1 {
		return
	}
	var all sync.WaitGroup
	for i := 0; i < 20; i++ {
		all.Add(1)
		go func() {
			for k := 0; k < 20; k++ {
				look()
			}
			all.Done()
		}()
	}
	all.Wait()
	dev, err := os.ReadFile("/sys/class/drm/card0/dev")
	if err != nil || !bytes.Equal(dev, []byte("226:0\n")) {
		panic(err)
	}
	child := exec.Command(os.Args[0], "child")
	child.Env = []string{}
	child.Stderr = os.Stderr
	if err := child.Run(); err != nil {
		panic(err)
	}
}
