package httpapi

import (
	"context"
	"net/http"

	"muster"
)

type modeList struct {
	Modes []muster.ModeView `json:"modes"`
}

type locationList struct {
	Locations []muster.LocationView `json:"locations"`
}

func (s *server) catalogueRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/v1/modes", id: "modes", tag: "play",
		summary:     "List the modes that can be played",
		description: "Choices are the preferences a ticket of the mode may state, with the values allowed.",
		need:        needPlayer, example: modeList{[]muster.ModeView{exampleModeView()}},
	}, s.modes)
	handle(s, operation{
		method: http.MethodGet, path: "/v1/locations", id: "locations", tag: "play",
		summary:     "List the places where sessions can run",
		description: "The names are the keys of a ticket's latencyInMs.",
		need:        needPlayer, example: locationList{[]muster.LocationView{{Name: exampleLocation}}},
	}, s.locations)
}

func (s *server) modes(context.Context, *struct{}) (*struct{ Body modeList }, error) {
	return &struct{ Body modeList }{modeList{notNil(s.Play.Modes())}}, nil
}

func (s *server) locations(context.Context, *struct{}) (*struct{ Body locationList }, error) {
	return &struct{ Body locationList }{locationList{notNil(s.Play.Locations())}}, nil
}
