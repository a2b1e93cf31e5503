package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestABackupOfARunningProgramIsRestored takes a backup from another process while the
// program runs, and starts the program on it elsewhere.
func TestABackupOfARunningProgramIsRestored(t *testing.T) {
	data, restored := t.TempDir(), t.TempDir()
	first := up(t, data)
	ann := guest(t, first.HTTP)
	stdout, stderr, code := run(t, "backup", "--data", data, filepath.Join(restored, "muster.db"))
	if code != 0 || !strings.Contains(stdout, "checked") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	late := guest(t, first.HTTP)
	first.kill()

	keys, err := os.ReadFile(filepath.Join(data, "signing-keys.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(restored, "signing-keys.json"), keys, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	second := up(t, restored)
	ann.comeBack(second.HTTP)
	proof := map[string]any{"guest": map[string]string{"id": late.GuestID, "secret": late.Secret}}
	if err := request(http.MethodPost, second.HTTP+"/v1/auth/guest", "", proof, nil); err == nil {
		t.Error("a player who came after the backup is in it")
	}

	// The killed program's own folder is usable as well.
	third := up(t, data)
	late.comeBack(third.HTTP)
}
