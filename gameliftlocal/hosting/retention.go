package hosting

import "slices"

// retireSession starts the time for which an ended session is kept.
func (w *World) retireSession(s *session) {
	w.endedSessions = append(w.endedSessions, s.ID)
	w.forgetOld()
}

func (w *World) retirePlacement(p *placement) {
	w.endedPlacements = append(w.endedPlacements, p.Request.ID)
	w.forgetOld()
}

// forgetOld drops what ended too long ago, and the oldest of what is too many, and
// sets the timer for the next.
func (w *World) forgetOld() {
	before := w.now.Add(-w.options.Retention)
	for len(w.endedSessions) > 0 {
		s := w.sessions[w.endedSessions[0]]
		if len(w.endedSessions) <= w.options.MaxRetained && s.EndedAt.After(before) {
			break
		}
		w.endedSessions = w.endedSessions[1:]
		delete(w.sessions, s.ID)
		for _, ps := range s.players {
			w.forgetPlayer(ps)
		}
	}
	for len(w.endedPlacements) > 0 {
		p := w.placements[w.endedPlacements[0]]
		if len(w.endedPlacements) <= w.options.MaxRetained && p.EndedAt.After(before) {
			break
		}
		w.endedPlacements = w.endedPlacements[1:]
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
