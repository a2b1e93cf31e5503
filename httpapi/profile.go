package httpapi

import (
	"context"
	"net/http"
	"time"

	"muster"
)

// Profiles lets players change what others see of them; *muster.Backend has it.
type Profiles interface {
	ProfileOptions() muster.ProfileOptionsView
	UpdateProfile(ctx context.Context, me muster.PlayerID, change muster.ProfileChange, expect muster.Precondition) (muster.PlayerView, error)
}

// myself is a player as it sees itself: unlike the view, it says that nothing is
// going on instead of leaving that out.
type myself struct {
	ID          muster.PlayerID      `json:"id"`
	DisplayName string               `json:"displayName"`
	Avatar      string               `json:"avatar,omitempty"`
	Locale      string               `json:"locale,omitempty"`
	CreatedAt   *time.Time           `json:"createdAt,omitempty"`
	Activity    *muster.ActivityView `json:"activity" doc:"What the player is doing; null: nothing"`
}

type profileRequest struct {
	DisplayName *string `json:"displayName,omitempty" minLength:"1" maxLength:"200" doc:"The new name; the rules for names are stricter than this schema" example:"Ada"`
	Avatar      *string `json:"avatar,omitempty" maxLength:"64" doc:"Id of one of the game's avatars; empty: none" example:"owl"`
	Locale      *string `json:"locale,omitempty" maxLength:"35" doc:"Language tag (BCP 47); only the player sees it; empty: none" example:"pt-BR"`
}

type profileInput struct {
	IfMatch string `header:"If-Match" maxLength:"1024" doc:"ETag that was read: change it only if it is still that; 412 otherwise" example:"\"7\""`
	Body    profileRequest
}

type playerInput struct {
	ID          muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	IfNoneMatch string          `header:"If-None-Match" maxLength:"1024" doc:"ETag that is known: 304 if it is still that" example:"\"7\""`
}

type myselfAnswer struct {
	ETag string `header:"ETag" doc:"Of the profile, for If-Match; the activity does not change it"`
	Body myself
}

type playerAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   muster.PlayerView
}

func (s *server) profileRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me", id: "me", tag: "players",
		summary:     "Read my account",
		description: "The activity says which ticket or session I am bound to, if any.",
		need:        needPlayer, refusals: []int{http.StatusNotFound}, example: exampleMyself(),
	}, s.me)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/{id}", id: "player", tag: "players",
		summary: "Read what everybody may know of a player",
		need:    needPlayer, refusals: []int{http.StatusNotFound},
		alsoStatus: map[int]string{http.StatusNotModified: "It is what If-None-Match says"},
		example:    muster.PlayerView{ID: examplePlayer, DisplayName: "Ada", Avatar: "owl"},
	}, s.player)
	if s.Profiles == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/profile-options", id: "profileOptions", tag: "players",
		summary:     "Read what profiles may hold",
		description: "The avatars to choose from, the rules for names and the shape of a locale.",
		need:        needPlayer,
		example: muster.ProfileOptionsView{
			Avatars: []string{"owl", "fox"}, Names: muster.NamesFree, MaxNameLength: 24, LocalePattern: "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$", MaxLocaleLength: 35,
		},
	}, func(context.Context, *struct{}) (*struct{ Body muster.ProfileOptionsView }, error) {
		v := s.Profiles.ProfileOptions()
		v.Avatars = notNil(v.Avatars)
		return &struct{ Body muster.ProfileOptionsView }{v}, nil
	})
	handle(s, operation{
		method: http.MethodPatch, path: "/v1/players/me", id: "updateProfile", tag: "players",
		summary:     "Change my profile",
		description: "What is absent stays. 409 player.name_taken when another player has the name; 429 player.name_too_recent when it was changed too recently; 412 precondition.failed when the profile is no longer what If-Match says.",
		need:        needPlayer, refusals: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
		bodyLimit: s.BodyLimit, example: exampleMyself(),
	}, s.updateProfile)
}

func (s *server) me(ctx context.Context, _ *struct{}) (*myselfAnswer, error) {
	view, err := s.Play.Me(ctx, me(ctx))
	return mySelf(view), err
}

func (s *server) updateProfile(ctx context.Context, in *profileInput) (*myselfAnswer, error) {
	expect, err := precondition(in.IfMatch, "")
	if err != nil {
		return nil, err
	}
	view, err := s.Profiles.UpdateProfile(ctx, me(ctx), muster.ProfileChange(in.Body), expect)
	return mySelf(view), preconditioned(err)
}

func mySelf(v muster.PlayerView) *myselfAnswer {
	return &myselfAnswer{ETag: etag(v.Tag), Body: myself{
		ID: v.ID, DisplayName: v.DisplayName, Avatar: v.Avatar, Locale: v.Locale, CreatedAt: v.CreatedAt, Activity: v.Activity,
	}}
}

func (s *server) player(ctx context.Context, in *playerInput) (*playerAnswer, error) {
	view, err := s.Play.Player(ctx, in.ID)
	out := playerAnswer{Status: http.StatusOK, ETag: etag(view.Tag), Body: view}
	if err == nil && isKnown(in.IfNoneMatch, view.Tag) {
		out.Status = http.StatusNotModified
	}
	return &out, err
}
