// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rooms says which other rooms of this module a room may import, and why it
// must not import more. The root package and cmd may import all.
var rooms = map[string]struct {
	may []string
	why string
}{
	"cache":            {nil, "the nouns must not know who uses them"},
	"host":             {nil, "a machine has interfaces and sockets whether or not there is a cache on it"},
	"ccf":              {[]string{"cache"}, "configuration is read before anything else exists"},
	"ccf/stock":        {[]string{"ccf", "cache"}, "it only holds files"},
	"region":           {[]string{"cache"}, "the heart must run without sockets, files and clocks"},
	"fields":           {[]string{"cache"}, "merging two hashes needs no region"},
	"changelog":        {[]string{"cache"}, "the log must not know who reads it"},
	"disk":             {[]string{"cache", "changelog"}, "a record on disk is one of the log's; what is behind it is a region, and it knows none"},
	"remote":           {[]string{"cache"}, "what is on a server is a key, a value and a stamp; what is behind it is a region, and it knows none"},
	"converge":         {[]string{"cache"}, "comparing two views needs neither"},
	"jcs":              {[]string{"cache", "javaser"}, "what Java nodes say can be read without a node"},
	"jcs/link":         {[]string{"cache", "changelog", "javaser", "jcs"}, "Java nodes are linked with without knowing the mesh"},
	"javaser":          {nil, "Java's streams exist without JCS and without a cache"},
	"metrics":          {[]string{"cache"}, "it renders what a node says of itself and nothing else"},
	"mesh":             {[]string{"cache", "changelog", "converge"}, "the protocol is handed regions and a directory; it finds neither by itself"},
	"beacon":           {[]string{"host"}, "bytes on multicast, without knowing what they say"},
	"secret":           {[]string{"cache"}, "keys and certificates must not know what they protect"},
	"discover":         {[]string{"cache", "beacon", "jcs", "secret"}, "members are found without knowing what links will do"},
	"resp":             {[]string{"cache", "fields", "jcs", "resp/wire", "secret"}, "a front is handed regions by a small interface, and a door; of values it knows fields and Java's, and nothing else"},
	"resp/wire":        {nil, "a codec knows no command"},
	"web":              {[]string{"cache", "secret"}, "a front is handed Do, Status and a door and knows nothing else"},
	"doctor":           {[]string{"host", "beacon", "ccf", "cache"}, "checks that need a protocol are lent to it by cmd"},
	"clients":          {nil, "it has only tests"},
	"acceptance":       {nil, "it sees the program from outside"},
	"interop":          {nil, "it has only tests"},
	"lateraltest":      {[]string{"cache", "ccf", "internal/memnet"}, "it runs whole nodes and looks at them as their users do"},
	"httpsession":      {[]string{"cache", "fields"}, "it is one more program that embeds a node"},
	"scsstore":         {[]string{"cache"}, "it is one more program that embeds a node"},
	"packaging":        {nil, "it builds the program, and is no part of it"},
	"internal/lab":     {nil, "test hosts run any program"},
	"internal/sim":     {[]string{"cache", "ccf", "beacon", "internal/memnet"}, "it judges whole nodes by what their users see"},
	"internal/hostile": {nil, "an attack is bytes"},
	"internal/memnet":  {[]string{"beacon", "host"}, "a twin of the network edges and nothing more"},
	"internal/plot":    {nil, "a picture is numbers and words"},
}

// never lists imports that shipped code of any room must not have.
var never = map[string]string{
	"testing":          "test code must not ship",
	"math/rand":        "math/rand/v2 needs no seeding and is faster",
	"log":              "log/slog carries fields; the benchmark commands excepted",
	"encoding/gob":     "nothing from the network is ever instantiated",
	"golang.org/x/exp": "what is not promised to stay is not built upon",
}

// daemon lists what the program has and the library must not: who embeds a
// node has a registry of their own, and renders Status into it.
var daemon = map[string]string{
	"lateral/metrics":                     "the library offers Status; only the program has a registry",
	"github.com/prometheus/client_golang": "the library offers Status; only the program has a registry",
}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// TestDirection keeps the direction of imports: each room may be read, and
// tested, without those above it.
func TestDirection(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "lateral"), "/")
		rule, ruled := rooms[room]
		free := room == "" || strings.HasPrefix(room, "cmd/") || strings.HasPrefix(room, "benchmarks/") || strings.HasPrefix(room, "examples/") || strings.HasSuffix(room, "test")
		if !ruled && !free {
			t.Errorf("room %s has no rule: say in house_test.go what it may import, and why no more", room)
		}
		for _, imp := range p.Imports {
			if why, bad := never[imp]; bad && !free && !strings.HasPrefix(room, "internal/") {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
			}
			other, own := strings.CutPrefix(imp, "lateral/")
			if !own || !ruled {
				continue
			}
			allowed := false
			for _, m := range rule.may {
				allowed = allowed || m == other
			}
			if !allowed {
				t.Errorf("%s imports %s, but may import only %v of this module: %s", room, other, rule.may, rule.why)
			}
		}
	}
}

// TestDaemonOnly keeps what is the program's out of the library.
func TestDaemonOnly(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == "lateral/metrics" || strings.HasPrefix(p.ImportPath, "lateral/cmd/") {
			continue
		}
		for _, imp := range p.Imports {
			for never, why := range daemon {
				if imp == never || strings.HasPrefix(imp, never+"/") {
					t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
				}
			}
		}
	}
}

// sources offers every Go file of the module.
func sources(t *testing.T, visit func(path string, f *ast.File, fset *token.FileSet)) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			if d != nil && d.IsDir() {
				return filepath.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(path, f, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHouse keeps what a newcomer relies on: every file carries its licence in
// one line, files are short enough to be read, functions fit a screen or two, and
// nothing runs because a room was imported.
func TestHouse(t *testing.T) {
	sources(t, func(path string, f *ast.File, fset *token.FileSet) {
		if len(f.Comments) == 0 || !strings.Contains(f.Comments[0].Text(), "SPDX-License-Identifier: Apache-2.0") &&
			!strings.Contains(f.Comments[0].List[0].Text, "SPDX-License-Identifier: Apache-2.0") {
			t.Errorf("%s: the first comment is not the SPDX line", path)
		}
		if n := fset.Position(f.End()).Line; n > 700 {
			t.Errorf("%s: %d lines; 400 is a question, 700 a no", path, n)
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init runs in every program that imports the room: do it where it is needed", path)
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line; n > 90 {
				t.Errorf("%s: %s has %d lines; a function fits a screen", path, fn.Name.Name, n)
			}
		}
	})
}

// TestPackageComments wants each room's one sentence.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	sources(t, func(path string, f *ast.File, _ *token.FileSet) {
		dir := filepath.Dir(path)
		if !strings.HasSuffix(path, "_test.go") {
			documented[dir] = documented[dir] || f.Doc != nil
		}
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}
