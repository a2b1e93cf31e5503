package hosting

import "slices"

// retireSession starts the time for which an ended session is kept.
func (w *World) retireSession(s *session) {
	w.endedSessions = append(w.endedSessions, s.ID)
	w.endedBytes += s.bytes()
	w.forgetOld()
}

func (w *World) retirePlacement(p *placement) {
	w.endedPlacements = append(w.endedPlacements, p.Request.ID)
	w.endedBytes += p.bytes()
	w.forgetOld()
}

// bytes is about what the texts of a session take; no other member grows like them.
func (s *session) bytes() int { return len(s.Data) + len(s.MatchmakerData) }

func (p *placement) bytes() int { return len(p.Request.Data) + len(p.Request.MatchmakerData) }

// tooMany says whether the oldest of so many ended things must go, whatever its age.
func (w *World) tooMany(kept int) bool {
	return kept > w.options.MaxRetained || w.endedBytes > w.options.MaxRetainedBytes
}

// forgetOld drops what ended too long ago, and the oldest of what is too many, and
// sets the timer for the next.
func (w *World) forgetOld() {
	before := w.now.Add(-w.options.Retention)
	for len(w.endedSessions) > 0 {
		s := w.sessions[w.endedSessions[0]]
		if !w.tooMany(len(w.endedSessions)) && s.EndedAt.After(before) {
			break
		}
		w.endedSessions = w.endedSessions[1:]
		w.endedBytes -= s.bytes()
		delete(w.sessions, s.ID)
		for _, ps := range s.players {
			w.forgetPlayer(ps)
		}
	}
	for len(w.endedPlacements) > 0 {
		p := w.placements[w.endedPlacements[0]]
		if !w.tooMany(len(w.endedPlacements)) && p.EndedAt.After(before) {
			break
		}
		w.endedPlacements = w.endedPlacements[1:]
		w.endedBytes -= p.bytes()
		delete(w.placements, p.Request.ID)
	}
	w.setRetentionTimer()
}

func (w *World) setRetentionTimer() {
	key := timerKey{kind: timerRetention}
	w.timers.clear(key)
	if len(w.endedSessions) > 0 {
		w.timers.set(key, w.sessions[w.endedSessions[0]].EndedAt.Add(w.options.Retention))
	}
	if len(w.endedPlacements) > 0 {
		at := w.placements[w.endedPlacements[0]].EndedAt.Add(w.options.Retention)
		if old, ok := w.timers.byKey[key]; !ok || at.Before(old.at) {
			w.timers.set(key, at)
		}
	}
}

// forgetPlayer drops a closed player session from the indexes.
func (w *World) forgetPlayer(ps *playerSession) {
	delete(w.players, ps.ID)
	rest := slices.DeleteFunc(w.playersByName[ps.PlayerID], func(p *playerSession) bool { return p == ps })
	if len(rest) == 0 {
		delete(w.playersByName, ps.PlayerID)
		return
	}
	w.playersByName[ps.PlayerID] = rest
}
