package mail

import (
	"context"
	"hash/fnv"
	"strconv"
	"sync/atomic"
	"time"

	"muster"
)

// Room is the part of an outbox that a letter waits in. When one is full the others still
// take letters; and what waits in a later one is sent first.
type Room uint8

// The rooms.
const (
	SignUps Room = iota // asked for by who has no account here, as anybody can: half of the outbox
	Codes               // codes for who has an account, or says so
	Notices             // what an owner has to know has happened
	numRooms
)

// shards is how many partitions an outbox has. All of them are looked at whatever letters
// they hold, so a letter that was put elsewhere by another version is sent like others.
const shards = 4

// shardsOf are the partitions of each room.
var shardsOf = [numRooms][]int{SignUps: {0, 1}, Codes: {2}, Notices: {3}}

// room is one Room as a replica has it.
type room struct {
	shards  []int
	handed  chan held // letters of this replica, and those it took over
	crowded atomic.Bool
}

func partition(shard int) string { return "MAIL#" + strconv.Itoa(shard) }

// key sorts letters of a shard by when they were posted.
func (r *room) key(id string, at time.Time) muster.Key {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails to write
	shard := r.shards[h.Sum32()%uint32(len(r.shards))]
	return muster.Key{Partition: partition(shard), Sort: sortOf(at) + "#" + id}
}

// sortOf begins the sort keys of the letters that were posted at an instant.
func sortOf(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// hand gives a letter to the senders of this replica, or leaves it to whoever sweeps when
// its lease is over.
func (r *room) hand(h held) {
	select {
	case r.handed <- h:
	default:
	}
}

// next is the letter to send now; ok is false when ctx has ended.
func (o *Outbox) next(ctx context.Context) (h held, ok bool) {
	for i := len(o.rooms) - 1; i > 0; i-- {
		select {
		case h := <-o.rooms[i].handed:
			return h, true
		default:
		}
	}
	select {
	case h = <-o.rooms[Notices].handed:
	case h = <-o.rooms[Codes].handed:
	case h = <-o.rooms[SignUps].handed:
	case <-ctx.Done():
		return held{}, false
	}
	return h, true
}
