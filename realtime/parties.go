package realtime

import (
	"context"
	"reflect"

	"muster"
)

// Parties is what players who queue together may do over the socket; *muster.Backend
// has it.
type Parties interface {
	Party(ctx context.Context, me muster.PlayerID) (muster.PartyView, error)
	CreateParty(ctx context.Context, me muster.PlayerID, want muster.PartySettings) (muster.PartyView, error)
	ChangeParty(ctx context.Context, me muster.PlayerID, want muster.PartySettings) (muster.PartyView, error)
	JoinParty(ctx context.Context, me muster.PlayerID, code string) (muster.PartyView, error)
	LeaveParty(ctx context.Context, me muster.PlayerID) error
	Kick(ctx context.Context, me, who muster.PlayerID) (muster.PartyView, error)
	PassLead(ctx context.Context, me, to muster.PlayerID) (muster.PartyView, error)
	ReportReady(ctx context.Context, me muster.PlayerID, said muster.PartyReport) (muster.PartyView, error)
	Invitations
}

// Invitations is how players are asked into parties.
type Invitations interface {
	Invite(ctx context.Context, me, who muster.PlayerID) (muster.PartyView, error)
	WithdrawInvite(ctx context.Context, me, who muster.PlayerID) (muster.PartyView, error)
	Invites(ctx context.Context, me muster.PlayerID) ([]muster.InviteView, error)
	AcceptInvite(ctx context.Context, me muster.PlayerID, id muster.PartyID) (muster.PartyView, error)
	DeclineInvite(ctx context.Context, me muster.PlayerID, id muster.PartyID) error
}

// partyNews answers what changes the caller's party, as the notice "party" does.
func partyNews(v muster.PartyView, err error) (any, error) {
	return muster.PartyNews{Party: &v}, err
}

// partyRequest is what requests about parties say; each type needs some of it.
type partyRequest struct {
	muster.PartySettings
	muster.PartyReport
	Code     string          `json:"code"`
	PlayerID muster.PlayerID `json:"playerId"`
	PartyID  muster.PartyID  `json:"partyId"`
}

// partyCall serves one type of request about parties.
type partyCall struct {
	needs  string // the member of the data that must be there; empty: none
	serve  func(ctx context.Context, parties Parties, me muster.PlayerID, in partyRequest) (any, error)
	strict bool // the data are settings, and nothing else
}

// partyCalls is every type of request about parties.
var partyCalls = map[string]partyCall{
	"party.get": {serve: func(ctx context.Context, p Parties, me muster.PlayerID, _ partyRequest) (any, error) {
		return partyNews(p.Party(ctx, me))
	}},
	"party.create": {serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.CreateParty(ctx, me, in.PartySettings))
	}, strict: true},
	"party.change": {serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.ChangeParty(ctx, me, in.PartySettings))
	}, strict: true},
	"party.join": {needs: "code", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.JoinParty(ctx, me, in.Code))
	}},
	"party.leave": {serve: func(ctx context.Context, p Parties, me muster.PlayerID, _ partyRequest) (any, error) {
		return muster.PartyNews{}, p.LeaveParty(ctx, me)
	}},
	"party.kick": {needs: "playerId", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.Kick(ctx, me, in.PlayerID))
	}},
	"party.lead": {needs: "playerId", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.PassLead(ctx, me, in.PlayerID))
	}},
	"party.ready": {serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.ReportReady(ctx, me, in.PartyReport))
	}},
	"party.invite": {needs: "playerId", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.Invite(ctx, me, in.PlayerID))
	}},
	"party.withdraw": {needs: "playerId", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.WithdrawInvite(ctx, me, in.PlayerID))
	}},
	"invites.list": {serve: func(ctx context.Context, p Parties, me muster.PlayerID, _ partyRequest) (any, error) {
		list, err := p.Invites(ctx, me)
		if list == nil {
			list = []muster.InviteView{}
		}
		return muster.InviteNews{Invites: list}, err
	}},
	"invites.accept": {needs: "partyId", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return partyNews(p.AcceptInvite(ctx, me, in.PartyID))
	}},
	"invites.decline": {needs: "partyId", serve: func(ctx context.Context, p Parties, me muster.PlayerID, in partyRequest) (any, error) {
		return struct{}{}, p.DeclineInvite(ctx, me, in.PartyID)
	}},
}

// missing says that a request lacks the member that its type needs.
func (in partyRequest) missing(needs string) bool {
	switch needs {
	case "code":
		return in.Code == ""
	case "playerId":
		return in.PlayerID == ""
	case "partyId":
		return in.PartyID == ""
	}
	return false
}

// serve answers one request.
func (o *Options) serve(ctx context.Context, me muster.PlayerID, r request) (any, error) {
	c, ok := partyCalls[r.Type]
	if !ok || o.Parties == nil {
		return serveRequest(ctx, o.Play, me, r)
	}
	var in partyRequest
	if c.strict {
		if err := refuseUnknown(r.Data, reflect.TypeFor[muster.PartySettings]()); err != nil {
			return nil, err
		}
	}
	if err := decode(r.Data, &in); err != nil {
		return nil, err
	}
	if in.missing(c.needs) {
		return nil, muster.Errorf(muster.Invalid, "request.invalid", "data.%s is missing", c.needs)
	}
	return c.serve(ctx, o.Parties, me, in)
}
