package identity

import (
	"runtime"
	"syscall"
)

// leastPriority is the nice value of threads that give way to all others.
const leastPriority = 19

// yieldThread has the goroutine, for the rest of its life, computed by a thread that gives
// way to all others. The thread ends with the goroutine. Where the system refuses, the
// thread stays what it is.
func yieldThread() {
	runtime.LockOSThread()
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), leastPriority) // of the thread alone, on Linux
}
