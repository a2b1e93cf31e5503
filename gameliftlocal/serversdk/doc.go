// Package serversdk is the WebSocket that game servers speak to Amazon GameLift,
// served so that an unmodified version 5 server SDK (Go, C++, C#, Unreal, Unity) works.
//
// A Server is the http.Handler of that socket; mount it wherever the
// GameLiftServiceSdkEndpoint of a compute leads. It knows connections, frames and
// envelopes and decides nothing about hosting: a Backend lets processes in and answers
// their requests, and the messages the service sends by itself arrive through Push.
// Apply answers every request that a hosting.World can answer, so that a Backend is
// little more than a lock:
//
//	func (b *backend) Handle(ctx context.Context, id hosting.ProcessID, r serversdk.Request) (serversdk.Response, error) {
//		b.mu.Lock()
//		response, err := serversdk.Apply(b.world, b.now(), id, r)
//		effects := b.world.Take()
//		b.mu.Unlock()
//		b.perform(effects) // Push -> Server.Push, an ended process -> Server.Forget
//		return response, err
//	}
//
// Facts about the protocol come from the public sources of the Go, C++ and C# SDKs
// and from observing the Go SDK; comments say where a behaviour is our choice.
package serversdk
