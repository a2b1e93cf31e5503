package replica

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"muster"
)

// maxMessage bounds a message: a batch may exceed its bound by one notice.
const maxMessage = 4 << 20

// Handler takes the notices of other replicas. It belongs on an address that only they
// reach; whoever else calls it is refused.
func (m *Mesh) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+noticesPath, m.receive)
	return mux
}

func (m *Mesh) receive(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(postFor)) // a writer without deadlines has its own
	from, plain, err := m.read(http.MaxBytesReader(w, r.Body, maxMessage))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "the message is too large", http.StatusRequestEntityTooLarge)
		return
	case errors.Is(err, errSealed):
		m.opts.Log.DebugContext(r.Context(), "refuse a message", "from", r.RemoteAddr, "error", err)
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	case err != nil:
		http.Error(w, "the message could not be read", http.StatusBadRequest)
		return
	}
	var texts []noticeText
	if err := json.Unmarshal(plain, &texts); err != nil {
		http.Error(w, "the notices could not be read", http.StatusBadRequest) // a later version of this program sent them
		return
	}
	m.welcome(from)
	notices := make([]muster.Notice, 0, len(texts))
	for _, t := range texts {
		notices = append(notices, muster.Notice{Player: t.Player, Type: t.Type, Data: t.Data, Follow: t.Follow})
	}
	if len(notices) > 0 {
		m.opts.Local.Notify(r.Context(), notices...)
		if m.opts.Heard != nil {
			m.opts.Heard(notices...)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// read reads and opens a message. Whoever is no replica of ours is turned away by the
// header, before what may be megabytes is read and kept.
func (m *Mesh) read(body io.Reader) (from member, plain []byte, err error) {
	buffered := bufio.NewReaderSize(body, maxHeaderBytes)
	slice, err := buffered.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, io.EOF) {
		return member{}, nil, errSealed
	}
	if err != nil {
		return member{}, nil, err
	}
	line := bytes.Clone(slice) // the next read overwrites it
	head, err := m.gate.look(m.opts.Now(), line)
	if err != nil {
		return member{}, nil, err
	}
	sealed, err := io.ReadAll(buffered)
	if err != nil {
		return member{}, nil, err
	}
	return m.gate.unseal(m.opts.Now(), head, line, sealed)
}

// welcome takes in a replica that is not known yet, so that it is told what happens from now
// on. One that does not say where it is has the others listed anew.
func (m *Mesh) welcome(from member) {
	m.mu.Lock()
	_, known := m.peers[from.ID]
	if !known && !m.ending && reachable(from.URL) {
		m.add(from)
		known = true
	}
	m.mu.Unlock()
	if known {
		return
	}
	select {
	case m.refresh <- struct{}{}:
	default: // it is due already
	}
}
