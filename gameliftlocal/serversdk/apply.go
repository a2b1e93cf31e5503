package serversdk

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"muster/gameliftlocal/hosting"
)

// maxPage is how many player sessions one answer holds; the SDKs' result type has
// room for no more.
const maxPage = 1024

// Apply performs a request on a World that the caller has locked. Backfill requests
// need a matchmaker: Apply refuses them as Invalid, and a Backend that has one handles
// them before. The World's effects are left for the caller to Take.
func Apply(w *hosting.World, now time.Time, process hosting.ProcessID, request Request) (Response, error) {
	switch r := request.(type) {
	case *ActivateServerProcess:
		return nil, w.Ready(now, process, hosting.Readiness{
			Port: r.Port, LogPaths: r.LogPaths,
			SDK: hosting.SDK{Version: r.SdkVersion, Language: r.SdkLanguage, ToolName: r.SdkToolName, ToolVersion: r.SdkToolVersion},
		})
	case *HeartbeatServerProcess:
		return nil, w.Heartbeat(now, process, r.HealthStatus)
	case *ActivateGameSession:
		return nil, w.Activate(now, process, r.GameSessionId)
	case *AcceptPlayerSession:
		return nil, w.Accept(now, process, r.GameSessionId, r.PlayerSessionId)
	case *RemovePlayerSession:
		return nil, w.Remove(now, process, r.GameSessionId, r.PlayerSessionId)
	case *UpdatePlayerSessionCreationPolicy:
		return nil, w.SetCreationPolicy(now, process, r.GameSessionId, r.PlayerSessionPolicy)
	case *DescribePlayerSessions:
		return describe(w, now, r)
	case *GetComputeCertificate:
		return certificate(w, process)
	case *GetFleetRoleCredentials:
		return GetFleetRoleCredentialsResponse{}, nil
	case *TerminateServerProcess:
		return nil, w.Ending(now, process)
	}
	return nil, &hosting.Error{Condition: hosting.Invalid, Message: "this service has no matchmaker for backfill"}
}

func describe(w *hosting.World, now time.Time, r *DescribePlayerSessions) (Response, error) {
	w.Advance(now)
	all, err := w.PlayerSessions(hosting.PlayerQuery{
		Session: r.GameSessionId, PlayerSession: r.PlayerSessionId, PlayerID: r.PlayerId, Status: r.PlayerSessionStatusFilter,
	})
	if err != nil {
		return nil, err
	}
	from, err := readToken(r)
	if err != nil {
		return nil, err
	}
	limit := maxPage
	if r.Limit > 0 {
		limit = min(limit, r.Limit)
	}
	page := all[min(from, len(all)):]
	out := DescribePlayerSessionsResponse{PlayerSessions: []PlayerSession{}}
	if len(page) > limit {
		page = page[:limit]
		out.NextToken = new(makeToken(r, from+limit))
	}
	for _, ps := range page {
		out.PlayerSessions = append(out.PlayerSessions, playerSession(ps))
	}
	return out, nil
}

// makeToken is a position, bound to the query it belongs to.
func makeToken(r *DescribePlayerSessions, from int) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %q %q", r.GameSessionId, r.PlayerId, r.PlayerSessionStatusFilter) // cannot fail
	return fmt.Sprintf("%x-%d", h.Sum64(), from)
}

func readToken(r *DescribePlayerSessions) (from int, err error) {
	if r.NextToken == "" || r.PlayerSessionId != "" {
		return 0, nil
	}
	_, position, _ := strings.Cut(r.NextToken, "-")
	from, err = strconv.Atoi(position)
	if err != nil || from < 0 || makeToken(r, from) != r.NextToken {
		return 0, &hosting.Error{Condition: hosting.Invalid, Message: "NextToken is not one of this query"}
	}
	return from, nil
}

func certificate(w *hosting.World, id hosting.ProcessID) (Response, error) {
	p, ok := w.Process(id)
	if !ok {
		return nil, &hosting.Error{Condition: hosting.NotFound, Message: "the process has ended"}
	}
	c, ok := w.ComputeOf(p.Fleet, p.Compute)
	if !ok {
		return nil, &hosting.Error{Condition: hosting.NotFound, Message: "the compute is not registered"}
	}
	return GetComputeCertificateResponse{CertificatePath: c.CertificatePath, ComputeName: c.Name}, nil
}
