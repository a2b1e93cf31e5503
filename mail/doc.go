// Package mail writes letters to players and sees that they are sent.
//
// Start with [NewTemplates] and a [Sender]: [SMTP] for a server, [Console] for a laptop.
// An [Outbox] keeps letters in the store until they are sent. [Outbox.Post] gives the
// change that makes a letter durable, as part of a larger one, so that whoever answered
// for it can forget it, and nobody waits for a server of mails. [Outbox.Run] sends.
//
// Letters wait in rooms, so that those which anybody can cause never crowd out what an
// owner has to know.
//
// A letter may come twice, after a crash between its sending and the note of it. It never
// comes after it is worthless. What is kept of a letter holds no secret: codes and links
// are put in at the moment of sending.
package mail
