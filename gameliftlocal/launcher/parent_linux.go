package launcher

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes Linux kill the process when this one dies, also by kill -9. The
// process leads a group of its own: a Ctrl-C in the terminal reaches only this process,
// which then ends the others in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
