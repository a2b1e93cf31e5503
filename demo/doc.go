// Package demo is Ink Rush around its simulation (demo/game): the game server that
// `muster up` starts as separate processes, and the bots that play it.
//
// RunServer is one game-server process on the official Amazon GameLift Server SDK: it
// serves one session, checks every seat, reports one result and returns. RunBots is a
// crowd of players that use the public interfaces only. The browser's half of the game
// is in package console. This package imports nothing else of ours: it stands where a
// studio's own game would stand.
//
// # The game connection
//
// A player opens a WebSocket to the address of its seat. Text messages are JSON objects
// with a "type"; binary messages are frames of the simulation (see encodeFrame).
//
// From the player:
//
//	{"type":"join","playerSessionId":"psess-...","joinToken":"<JWT>","name":"Ada"}   first, once
//	{"type":"input","x":-127..127,"y":-127..127,"dash":false}                        as often as it changes
//	{"type":"leave"}                                                                 gives the seat up
//	{"type":"ping","t":123}                                                          answered with pong and the same t
//
// From the server:
//
//	{"type":"welcome",...}    after join: the floor, the cars, which one is yours
//	{"type":"roster",...}     who is here, away or gone, whenever that changes
//	{"type":"over",...}       the final score
//	{"type":"recorded"}       the backend has the result
//	{"type":"replaced"}       another connection of yours took the seat over
//	{"type":"refused","code":..,"message":..}
//
// A seat is given to whoever shows a join token signed by the backend for this session
// and this seat, and only if GameLift says that the seat belongs to the same player.
package demo
