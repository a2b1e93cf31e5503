// Package launcher starts a game's server processes on this machine and keeps some of
// them idle, so that a session always finds one.
//
// A Launcher is told by Options.Status what the hosting service knows of each process,
// starts new ones while too few are spare, and replaces those that exit; a server that
// exits before it connects is started again ever more slowly, and its last output is
// logged. Each process gets the GAMELIFT_SDK_ variables that the server SDKs read.
//
// Processes end with the launcher, however it ends: when Run's context ends they are
// asked to and then killed; when this process dies at once, Linux kills them, and
// anywhere else (and for what they started themselves) the end of their standard input
// tells them. Nothing is ever signalled that this launcher did not start.
package launcher
