package simulate

// Result is what became of a population under one rule set. Times are seconds of
// simulated time, latencies milliseconds.
type Result struct {
	Rules      string `json:"rules"`
	Population string `json:"population"`
	Seed       uint64 `json:"seed"`
	StartHour  int    `json:"startHour"`
	// SimulatedSeconds is less than asked for when the run was Interrupted.
	SimulatedSeconds float64 `json:"simulatedSeconds"`
	Interrupted      bool    `json:"interrupted"`
	// Assumptions are what the population did not say and the simulation supposed.
	Assumptions []string `json:"assumptions"`

	// MinPlayers is the least that a match has before any expansion.
	MinPlayers int `json:"minPlayersOfAMatch"`

	Tickets     int      `json:"tickets"`
	Matches     int      `json:"matches"`
	Players     Outcomes `json:"players"`
	Wait        Summary  `json:"waitSeconds"`        // of matched players
	GaveUpAfter Summary  `json:"gaveUpAfterSeconds"` // of abandoned players
	// Skill statistics are about SkillAttribute; without one they are empty. Gap is the
	// highest less the lowest skill of a match, Deviation the standard deviation in it,
	// TeamDifference the highest less the lowest average of a team.
	SkillAttribute string  `json:"skillAttribute,omitempty"`
	SkillGap       Summary `json:"skillGap"`
	SkillDeviation Summary `json:"skillDeviation"`
	TeamDifference Summary `json:"teamDifference"`
	// Latency is of players in matches, at the location that all of them report and whose
	// average over them is least. UsesLatency: the rule set has a latency rule.
	Latency     Summary `json:"latencyMs"`
	UsesLatency bool    `json:"usesLatency"`
	// NoCommonLocation counts the matches without a location that all players report.
	NoCommonLocation int         `json:"noCommonLocation"`
	Expansions       []Step      `json:"expansions"`
	MatchSizes       []SizeCount `json:"matchSizes"`
	QueueMean        float64     `json:"queueMeanPlayers"`
	QueueMax         int         `json:"queueMaxPlayers"`

	// Asked counts the waiting tickets that were asked, one now and then, what keeps them
	// from a match, and Obstacles their answers, the most frequent first.
	Asked     int        `json:"ticketsAsked"`
	Obstacles []Obstacle `json:"obstacles"`

	ByDecile []Group `json:"bySkillDecile"` // ascending; empty without SkillAttribute
	ByRegion []Group `json:"byRegion"`
	BySize   []Group `json:"byPartySize"`

	BucketSeconds float64      `json:"bucketSeconds"`
	Buckets       []Bucket     `json:"buckets"`
	WaitCurve     []CurvePoint `json:"waitCurve"` // share of all queued players matched within
	GapCurve      []CurvePoint `json:"skillGapCurve"`
	TeamCurve     []CurvePoint `json:"teamDifferenceCurve"`
	LatencyCurve  []CurvePoint `json:"latencyCurve"`
}

// Outcomes counts players by what became of them; Queued is the sum of the others. A
// player who queues again after a match counts again.
type Outcomes struct {
	Queued    int `json:"queued"`
	Matched   int `json:"matched"`
	Abandoned int `json:"abandoned"` // gave up
	TimedOut  int `json:"timedOut"`  // removed by the request timeout
	Declined  int `json:"declined"`  // removed because someone of the party did not accept
	Refused   int `json:"refused"`   // the matchmaker was full
	Waiting   int `json:"waiting"`   // still in the queue at the end
}

// Lost is how many players left without a match.
func (o Outcomes) Lost() int { return o.Abandoned + o.TimedOut + o.Declined + o.Refused }

// Summary describes the distribution of a quantity. All fields are 0 when Count is.
type Summary struct {
	Count     int     `json:"count"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	P50       float64 `json:"p50"`
	P90       float64 `json:"p90"`
	P99       float64 `json:"p99"`
	Max       float64 `json:"max"`
}

// Step is the matches that were made in one stage of the expansions: at an age of
// FromSeconds or more, and less than the next step's.
type Step struct {
	FromSeconds float64 `json:"fromSeconds"`
	Matches     int     `json:"matches"`
}

// SizeCount is the matches with so many players.
type SizeCount struct {
	Players int `json:"players"`
	Matches int `json:"matches"`
}

// Group is the players who have something in common.
type Group struct {
	Name    string   `json:"name"`
	Players Outcomes `json:"players"`
	Wait    Summary  `json:"waitSeconds"`
}

// Bucket is a stretch of simulated time. Players and Wait are of those who joined the
// queue in it; matches and queue lengths are of that time itself.
type Bucket struct {
	FromSeconds    float64  `json:"fromSeconds"`
	Players        Outcomes `json:"players"`
	Wait           Summary  `json:"waitSeconds"`
	Matches        int      `json:"matches"`
	SkillGap       Summary  `json:"skillGap"`
	TeamDifference Summary  `json:"teamDifference"`
	Latency        Summary  `json:"latencyMs"`
	Expanded       int      `json:"expandedMatches"` // made after a first expansion step
	QueueMean      float64  `json:"queueMeanPlayers"`
	QueueMax       int      `json:"queueMaxPlayers"`
}

// Obstacle is what kept some of the asked tickets from a match: a rule, or without one,
// that too few players were waiting.
type Obstacle struct {
	Rule    string `json:"rule,omitempty"`
	Tickets int    `json:"tickets"`
}

// CurvePoint is one point of a cumulative distribution.
type CurvePoint struct {
	Value float64 `json:"value"`
	Share float64 `json:"share"` // 0 to 1
}
