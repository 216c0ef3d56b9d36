// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"lateral/internal/lab"
)

// TestFileLimitOfOther: nobody, who may not ask the kernel about root's process,
// reads the same of it.
func TestFileLimitOfOther(t *testing.T) {
	if pid := os.Getenv("LIMIT_OF"); pid != "" {
		hard, err := FileLimitOf(os.Getppid())
		if _, own, _ := FileLimit(); err != nil || hard != own {
			t.Errorf("%d, %v; inherited is %d", hard, err, own)
		}
		return
	}
	if os.Getuid() != 0 {
		lab.Missing(t, "root", "needs root, to become somebody else")
	}
	program := "/proc/self/exe" // nobody may not enter the directory it is in
	cmd := exec.Command(program, "-test.run=^TestFileLimitOfOther$", "-test.count=1")
	cmd.Dir, cmd.Env = "/", []string{"LIMIT_OF=parent"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFileLimitText(t *testing.T) {
	const head = "Limit                     Soft Limit           Hard Limit           Units\n"
	for text, want := range map[string]uint64{
		head + "Max open files            1024                 65536                files\n": 65536,
		head: 0, "Max open files 1": 0, "Max open files 1024 many files": 0,
	} {
		if got, err := fileLimit(strings.NewReader(text)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
