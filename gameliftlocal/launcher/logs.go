package launcher

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

func (o Options) logPath(id string) string {
	if o.LogDir == "" {
		return ""
	}
	return filepath.Join(o.LogDir, id+".log")
}

// retireLog counts the log of a process that has ended among those to be removed.
func (l *Launcher) retireLog(p *process) {
	if p.output.path == "" {
		return
	}
	l.oldLogs = append(l.oldLogs, p.output.path)
	l.trimLogs()
}

// trimLogs removes the oldest logs of ended processes when there are too many.
func (l *Launcher) trimLogs() {
	for len(l.oldLogs) > l.options.MaxLogs {
		_ = os.Remove(l.oldLogs[0]) // the user may have removed it first
		l.oldLogs = l.oldLogs[1:]
	}
}

// logOfUUID is the name of a log whose process has a UUID for its id. Nothing else in
// the folder is sure to be a launcher's.
var logOfUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.log$`)

// earlierLogs are the logs that earlier runs left in a folder, oldest first.
func earlierLogs(dir string) []string {
	if dir == "" {
		return nil
	}
	type file struct {
		path    string
		changed time.Time
	}
	var files []file
	entries, _ := os.ReadDir(dir) // there may be none yet; whoever writes a log there says what is wrong
	for _, entry := range entries {
		if !logOfUUID.MatchString(entry.Name()) || !entry.Type().IsRegular() {
			continue
		}
		if info, err := entry.Info(); err == nil { // else it was removed meanwhile
			files = append(files, file{filepath.Join(dir, entry.Name()), info.ModTime()})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return a.changed.Compare(b.changed) })
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.path
	}
	return paths
}
