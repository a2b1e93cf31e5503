package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// Parties is what players who queue together may do; *muster.Backend has it.
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

type partySettings struct {
	Mode *muster.ModeName `json:"mode,omitempty" minLength:"1" maxLength:"128" doc:"What the party wants to play; it sets how large the party may be" example:"duel"`
	Open *bool            `json:"open,omitempty" doc:"Whether the code lets players in; true for a new party"`
}

type partyReport struct {
	Ready       bool              `json:"ready" doc:"For the next match"`
	LatencyInMs map[string]int    `json:"latencyInMs,omitempty" maxProperties:"100" doc:"Milliseconds to each location that was measured; absent: as before"`
	Preferences map[string]string `json:"preferences,omitempty" maxProperties:"50" doc:"Of the choices of the party's mode; absent: as before"`
}

type joinRequest struct {
	Code string `json:"code" minLength:"1" maxLength:"32" doc:"As a member shows it; case, spaces and hyphens do not matter" example:"K7QM2XWD"`
}

type playerRequest struct {
	PlayerID muster.PlayerID `json:"playerId" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000002"`
}

type fellowPath struct {
	ID muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000002"`
}

type partyPath struct {
	ID muster.PartyID `path:"id" minLength:"1" maxLength:"128" doc:"Id of the party that invites" example:"0199c0de-0000-7000-8000-00000000c001"`
}

type inviteList struct {
	Invites []muster.InviteView `json:"invites"`
}

type partyBody struct{ Body muster.PartyView }

type createdParty struct {
	Location string `header:"Location" doc:"Where the party is read"`
	Body     muster.PartyView
}

const myParty = "/v1/parties/me"

func (s *server) partyRoutes() {
	if s.Parties == nil {
		return
	}
	s.ownPartyRoutes()
	s.memberRoutes()
	s.inviteRoutes()
}

// party describes a call that answers with the caller's party.
func (s *server) party(method, path, id, summary, description string) operation {
	op := operation{
		method: method, path: path, id: id, tag: "parties", summary: summary, description: description,
		need: needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict}, example: exampleParty(),
	}
	if method != http.MethodGet && method != http.MethodDelete {
		op.bodyLimit = s.BodyLimit
	}
	return op
}

// ownPartyRoutes are about having a party at all.
func (s *server) ownPartyRoutes() {
	create := s.party(http.MethodPost, "/v1/parties", "createParty", "Make a party",
		"The caller leads it. 409 party.already_in while in another one. 404 mode.unknown.")
	create.status, create.strict = http.StatusCreated, true
	mode, open := exampleMode, true
	create.requestExample = partySettings{Mode: &mode, Open: &open}
	handle(s, create, func(ctx context.Context, in *struct{ Body *partySettings }) (*createdParty, error) {
		want := muster.PartySettings{}
		if in.Body != nil {
			want = muster.PartySettings(*in.Body)
		}
		v, err := s.Parties.CreateParty(ctx, me(ctx), want)
		return &createdParty{myParty, v}, err
	})
	handle(s, s.party(http.MethodGet, myParty, "party", "Read my party", "404 party.none without one."),
		func(ctx context.Context, _ *struct{}) (*partyBody, error) {
			v, err := s.Parties.Party(ctx, me(ctx))
			return &partyBody{v}, err
		})
	change := s.party(http.MethodPatch, myParty, "changeParty", "Change mode or openness of the party I lead",
		"403 party.not_leader. 409 party.queued, or party.too_large for the mode. Another mode makes nobody ready and forgets preferences.")
	change.requestExample, change.strict = partySettings{Mode: &mode}, true
	handle(s, change, func(ctx context.Context, in *struct{ Body partySettings }) (*partyBody, error) {
		v, err := s.Parties.ChangeParty(ctx, me(ctx), muster.PartySettings(in.Body))
		return &partyBody{v}, err
	})
	join := s.party(http.MethodPost, "/v1/parties/join", "joinParty", "Join a party by its code",
		"404 party.no_code for a code that is wrong, or of a party that is closed. 409 party.full, party.queued, or party.already_in; a party in which the caller is alone is given up. 429 party.too_many_codes.")
	handle(s, join, func(ctx context.Context, in *struct{ Body joinRequest }) (*partyBody, error) {
		v, err := s.Parties.JoinParty(ctx, me(ctx), in.Body.Code)
		return &partyBody{v}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: myParty, id: "leaveParty", tag: "parties",
		summary:     "Leave my party",
		description: "A party in the queue leaves it with me. When a session is starting already, I keep my seat in it. Without a party nothing happens.",
		need:        needPlayer, status: http.StatusNoContent,
	}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, s.Parties.LeaveParty(ctx, me(ctx))
	})
}

// memberRoutes are about who is in a party and how.
func (s *server) memberRoutes() {
	ready := s.party(http.MethodPut, myParty+"/ready", "ready", "Say whether I am ready",
		"With what matchmaking is to be told of me when the leader starts. A match uses readiness up. 409 party.queued, or party.no_mode for preferences without a mode.")
	ready.requestExample = partyReport{Ready: true, LatencyInMs: map[string]int{exampleLocation: 12}}
	handle(s, ready, func(ctx context.Context, in *struct{ Body partyReport }) (*partyBody, error) {
		v, err := s.Parties.ReportReady(ctx, me(ctx), muster.PartyReport(in.Body))
		return &partyBody{v}, err
	})
	handle(s, s.party(http.MethodPut, myParty+"/leader", "passLead", "Make another member the leader", "403 party.not_leader. 404 party.no_member."),
		func(ctx context.Context, in *struct{ Body playerRequest }) (*partyBody, error) {
			v, err := s.Parties.PassLead(ctx, me(ctx), in.Body.PlayerID)
			return &partyBody{v}, err
		})
	handle(s, s.party(http.MethodDelete, myParty+"/members/{id}", "kick", "Remove another member from the party I lead",
		"A party in the queue leaves it. The party gets another code. 403 party.not_leader. 404 party.no_member."),
		func(ctx context.Context, in *fellowPath) (*partyBody, error) {
			v, err := s.Parties.Kick(ctx, me(ctx), in.ID)
			return &partyBody{v}, err
		})
}

// inviteRoutes are about invites, from both sides.
func (s *server) inviteRoutes() {
	handle(s, s.party(http.MethodPost, myParty+"/invites", "invite", "Invite a player into my party",
		"For 15 minutes; any member may. Of more than 20 invites the player keeps the newest. 409 party.member_already, or party.invite_declined when they refused an invite of the party or of the caller within that time. 429 party.too_many_invites, and party.inviting_too_fast after 20 in a minute."),
		func(ctx context.Context, in *struct{ Body playerRequest }) (*partyBody, error) {
			v, err := s.Parties.Invite(ctx, me(ctx), in.Body.PlayerID)
			return &partyBody{v}, err
		})
	handle(s, s.party(http.MethodDelete, myParty+"/invites/{id}", "withdrawInvite", "Take an invite back",
		"Who sent it may, and the leader. 403 party.not_leader. 404 party.no_invite."),
		func(ctx context.Context, in *fellowPath) (*partyBody, error) {
			v, err := s.Parties.WithdrawInvite(ctx, me(ctx), in.ID)
			return &partyBody{v}, err
		})
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/invites", id: "invites", tag: "parties",
		summary: "List my invites, the oldest first",
		need:    needPlayer, example: inviteList{[]muster.InviteView{exampleInvite()}},
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body inviteList }, error) {
		list, err := s.Parties.Invites(ctx, me(ctx))
		return &struct{ Body inviteList }{inviteList{notNil(list)}}, err
	})
	accept := s.party(http.MethodPost, "/v1/players/me/invites/{id}", "acceptInvite", "Accept an invite",
		"404 party.no_invite. 409 as for a code.")
	accept.bodyLimit = 0
	handle(s, accept, func(ctx context.Context, in *partyPath) (*partyBody, error) {
		v, err := s.Parties.AcceptInvite(ctx, me(ctx), in.ID)
		return &partyBody{v}, err
	})
	handle(s, operation{
		method: http.MethodDelete, path: "/v1/players/me/invites/{id}", id: "declineInvite", tag: "parties",
		summary:     "Decline an invite",
		description: "Neither the party nor its sender can ask again until it would have expired. An invite that is over already is no error.",
		need:        needPlayer, status: http.StatusNoContent,
	}, func(ctx context.Context, in *partyPath) (*struct{}, error) {
		return nil, s.Parties.DeclineInvite(ctx, me(ctx), in.ID)
	})
}

func exampleParty() muster.PartyView {
	return muster.PartyView{
		ID: "0199c0de-0000-7000-8000-00000000c001", Version: 3, State: muster.PartyQueued, Code: "K7QM2XWD", Open: true, Mode: exampleMode,
		Leader: examplePlayer, MaxSize: 4, TicketID: exampleTicketID, CreatedAt: exampleTime(), ChangedAt: exampleTime(),
		Members: []muster.PartyMemberView{
			{PlayerID: examplePlayer, DisplayName: "Ada", Ready: true, JoinedAt: exampleTime()},
			{PlayerID: exampleRival, DisplayName: "Bob", Ready: true, JoinedAt: exampleTime()},
		},
		Invites: []muster.PartyInviteView{{PlayerID: "0199c0de-0000-7000-8000-000000000003", By: exampleRival, ExpiresAt: exampleTime().Add(15 * time.Minute)}},
	}
}

func exampleInvite() muster.InviteView {
	return muster.InviteView{
		PartyID: "0199c0de-0000-7000-8000-00000000c001", From: exampleRival, FromName: "Bob", Mode: exampleMode,
		ExpiresAt: exampleTime().Add(15 * time.Minute),
	}
}
