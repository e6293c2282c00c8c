package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// loopDisk is a file system of its own in a file, so that its power can be cut and its space used up without harm to
// the machine. It needs root and Linux's loop devices.
type loopDisk struct {
	image, device, mount string
}

// newLoopDisk makes, mounts and returns one. It returns errNotRun, with the reason, where that is not possible.
func newLoopDisk(ctx context.Context, dir string, bytes int64) (*loopDisk, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: a file system of its own needs root", errNotRun)
	}
	d := &loopDisk{image: filepath.Join(dir, "disk.img"), mount: filepath.Join(dir, "disk")}
	if err := os.MkdirAll(d.mount, 0o700); err != nil {
		return nil, err
	}
	image, err := os.Create(d.image)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(image.Truncate(bytes), image.Close()); err != nil {
		return nil, err
	}
	if _, err := command(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", d.image); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotRun, err)
	}
	device, err := command(ctx, "losetup", "-f", "--show", d.image)
	if err != nil {
		return nil, fmt.Errorf("%w: no loop device: %w", errNotRun, err)
	}
	d.device = strings.TrimSpace(device)
	if err := d.attach(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotRun, err)
	}
	return d, nil
}

func (d *loopDisk) attach(ctx context.Context) error {
	_, err := command(ctx, "mount", d.device, d.mount)
	return err
}

// cut shuts the file system down as a power cut does: nothing that was not synced reaches the disk any more, the
// journal neither. From then on every access fails.
func (d *loopDisk) cut() error {
	const (
		shutdown   = 0x8004587d // EXT4_IOC_SHUTDOWN: _IOR('X', 125, __u32)
		noLogFlush = uint32(2)  // EXT4_GOING_FLAGS_NOLOGFLUSH
	)
	root, err := os.Open(d.mount)
	if err != nil {
		return err
	}
	defer root.Close()
	how := noLogFlush
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, root.Fd(), shutdown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("%w: EXT4_IOC_SHUTDOWN: %w", errNotRun, errno)
	}
	return nil
}

// reboot mounts again what was cut. The processes that used it must be gone.
func (d *loopDisk) reboot(ctx context.Context) error {
	if err := d.detach(ctx); err != nil {
		return err
	}
	return d.attach(ctx)
}

// detach unmounts; the kernel may hold on for a moment to files of a process that was just killed.
func (d *loopDisk) detach(ctx context.Context) error {
	return until(ctx, 10*time.Second, "unmount", func() error {
		_, err := command(ctx, "umount", d.mount)
		return err
	})
}

// close gives the device back; the image stays if there is something to look for in it.
func (d *loopDisk) close(keep bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	_ = d.detach(ctx)
	_, _ = command(ctx, "losetup", "-d", d.device)
	if !keep {
		_ = os.Remove(d.image)
	}
}

func command(ctx context.Context, argv ...string) (string, error) {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
