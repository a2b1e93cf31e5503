package gameliftlocal

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"muster/flexmatch"
)

// matchmakerData is the JSON text that a game session made by FlexMatch carries. The
// order of its members is the order seen in Amazon's samples. Source: Amazon's
// FlexMatch guide, "Work with matchmaker data".
type matchmakerData struct {
	MatchID              string     `json:"matchId"`
	ConfigurationARN     string     `json:"matchmakingConfigurationArn"`
	Teams                []dataTeam `json:"teams"`
	AutoBackfillMode     *string    `json:"autoBackfillMode"`
	AutoBackfillTicketID *string    `json:"autoBackfillTicketId"`
}

type dataTeam struct {
	Name    string       `json:"name"`
	Players []dataPlayer `json:"players"`
}

type dataPlayer struct {
	PlayerID   string                   `json:"playerId"`
	Attributes map[string]dataAttribute `json:"attributes"`
}

// dataAttribute keeps its value encoded, so that what was read is written alike.
type dataAttribute struct {
	Type  string          `json:"attributeType"`
	Value json.RawMessage `json:"valueAttribute"`
}

// newMatchmakerData describes a match to its game server.
func newMatchmakerData(m flexmatch.Match, configurationARN string) matchmakerData {
	d := matchmakerData{MatchID: m.ID, ConfigurationARN: configurationARN, Teams: make([]dataTeam, len(m.Teams))}
	for i, team := range m.Teams {
		d.Teams[i] = dataTeam{Name: team.Name, Players: make([]dataPlayer, len(team.Players))}
		for j, p := range team.Players {
			d.Teams[i].Players[j] = newDataPlayer(p)
		}
	}
	return d
}

func newDataPlayer(p flexmatch.SeatedPlayer) dataPlayer {
	out := dataPlayer{PlayerID: p.ID, Attributes: make(map[string]dataAttribute, len(p.Attributes))}
	for name, v := range p.Attributes {
		if a, ok := newDataAttribute(v); ok {
			out.Attributes[name] = a
		}
	}
	return out
}

func newDataAttribute(v flexmatch.Value) (dataAttribute, bool) {
	switch v.Kind {
	case flexmatch.StringAttribute:
		return dataAttribute{"STRING", mustJSON(v.String)}, true
	case flexmatch.NumberAttribute:
		return dataAttribute{"DOUBLE", mustJSON(double(v.Number))}, true
	case flexmatch.StringListAttribute:
		return dataAttribute{"STRING_LIST", mustJSON(v.Strings)}, true
	case flexmatch.StringNumberMapAttribute:
		m := make(map[string]double, len(v.Numbers))
		for key, n := range v.Numbers {
			m[key] = double(n)
		}
		return dataAttribute{"STRING_DOUBLE_MAP", mustJSON(m)}, true
	}
	return dataAttribute{}, false
}

// double is written with a fraction even when whole, and with an exponent only below
// 0.001 and from ten million on. Amazon's service was seen to write the first, and
// common Java libraries write so; the second follows from them.
type double float64

// MarshalJSON writes 23 as 23.0 and 1e7 as 1.0E7. The value is finite: requests with
// others are refused.
func (d double) MarshalJSON() ([]byte, error) {
	size := math.Abs(float64(d))
	if size == 0 || size >= 1e-3 && size < 1e7 {
		text := strconv.FormatFloat(float64(d), 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return []byte(text), nil
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(float64(d), 'e', -1, 64), "e")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return nil, fmt.Errorf("exponent of %v: %w", float64(d), err)
	}
	return []byte(digits + "E" + strconv.Itoa(n)), nil
}

func mustJSON(v any) json.RawMessage {
	body, err := json.Marshal(v)
	if err != nil { // strings, finite numbers, lists and maps of them only
		panic("gameliftlocal: encode matchmaker data: " + err.Error())
	}
	return body
}

// text is the form that a game session carries.
func (d matchmakerData) text() string { return string(mustJSON(d)) }

// parseMatchmakerData reads what a session carries; ok is false for a session that
// FlexMatch did not make.
func parseMatchmakerData(text string) (d matchmakerData, ok bool) {
	if text == "" || json.Unmarshal([]byte(text), &d) != nil {
		return matchmakerData{}, false
	}
	return d, d.MatchID != ""
}

// merge adds a backfilled match: its id counts from now on, players who are new join
// their teams, and players who left stay listed.
func (d matchmakerData) merge(m flexmatch.Match) matchmakerData {
	known := map[string]bool{}
	for _, team := range d.Teams {
		for _, p := range team.Players {
			known[p.PlayerID] = true
		}
	}
	d.MatchID = m.ID
	teams := append([]dataTeam(nil), d.Teams...)
	for _, team := range m.Teams {
		at := -1
		for i := range teams {
			if teams[i].Name == team.Name {
				at = i
			}
		}
		if at < 0 {
			teams = append(teams, dataTeam{Name: team.Name, Players: []dataPlayer{}})
			at = len(teams) - 1
		}
		players := append([]dataPlayer{}, teams[at].Players...)
		for _, p := range team.Players {
			if !known[p.ID] {
				players = append(players, newDataPlayer(p))
			}
		}
		teams[at].Players = players
	}
	d.Teams = teams
	return d
}
