package gameliftlocal

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// crashFolder names the data folder for the process that is killed in the middle of
// its work.
const crashFolder = "MUSTER_TEST_CRASH_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(crashFolder); folder != "" {
		fmt.Fprintln(os.Stderr, createForever(folder))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// createForever makes locations and prints the name of each that was acknowledged.
func createForever(folder string) error {
	o := Options{Data: folder}
	o.SNS.Key = signingKey()
	service, err := Open(context.Background(), o)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("custom-%d", i)
		if _, err := service.createLocation(context.Background(), &gamelift.CreateLocationInput{LocationName: &name}); err != nil {
			return err
		}
		fmt.Println(name)
	}
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	folder := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), crashFolder+"="+folder)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	lines := bufio.NewScanner(output)
	for len(acknowledged) < 40 && lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it had printed before it died
		acknowledged = append(acknowledged, lines.Text())
	}
	_ = child.Wait() // killed: it says so
	if len(acknowledged) < 40 {
		t.Fatalf("the child acknowledged %d locations only", len(acknowledged))
	}
	f := file{path: filepath.Join(folder, fileName), names: names{"us-west-2", "123456789012"}}
	kept, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range acknowledged {
		if _, ok := kept.Locations[name]; !ok {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
	if litter, _ := filepath.Glob(filepath.Join(folder, tempPattern)); len(litter) != 0 {
		t.Errorf("litter stays: %v", litter)
	}
}

func TestTwoServicesDoNotOverwriteEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), fileName)
	open := func() *file {
		f := &file{path: path, names: names{"us-west-2", "123456789012"}}
		if _, err := f.load(); err != nil {
			t.Fatal(err)
		}
		return f
	}
	one, other := open(), open()
	r := (&resources{}).clone()
	must(t, 0, one.save(r))
	must(t, 0, one.save(r))
	if err := other.save(r); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("the other's save: %v", err)
	}
	must(t, 0, one.save(r))
	must(t, 0, open().save(r))
	if err := one.save(r); err == nil {
		t.Error("the first wrote over its successor's file")
	}
}

func FuzzDocument(f *testing.F) {
	here := file{names: names{"us-west-2", "123456789012"}}
	f.Add([]byte(`{"format":1,"region":"us-west-2","account":"123456789012","locations":{"custom-a":{"LocationName":"custom-a"}}}`))
	f.Add([]byte(`{"format":1,"region":"us-west-2","account":"123456789012","fleets":{"fleet-1":{"attributes":{"FleetId":"fleet-1"},"locations":["x"]}}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := here.decode(body)
		if err != nil {
			return
		}
		if r.Locations == nil || r.Tags == nil {
			t.Fatal("a map is nil")
		}
		stored := file{path: filepath.Join(t.TempDir(), fileName), names: here.names}
		if err := stored.save(r); err != nil {
			t.Fatal(err)
		}
		again, err := stored.load()
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if len(again.Fleets) != len(r.Fleets) || !reflect.DeepEqual(again.Locations, r.Locations) {
			t.Fatalf("read %+v, then %+v", r.Locations, again.Locations)
		}
	})
}

func TestClonesDoNotShareMaps(t *testing.T) {
	r := (&resources{}).clone()
	name := "custom-a"
	r.Locations[name] = types.LocationModel{LocationName: &name}
	next := r.clone()
	delete(next.Locations, name)
	if len(r.Locations) != 1 {
		t.Error("a clone's change reached the original")
	}
}
