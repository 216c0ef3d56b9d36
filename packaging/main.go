// SPDX-License-Identifier: Apache-2.0

// Command packaging builds what is given to operators: the static program, and
// .deb and .rpm of it.
//
//	go run ./packaging                     # dist/, for amd64 and arm64
//	go run ./packaging -version 1.2.3 -out /tmp/dist -arch amd64
//
// The same commit, version and Go release make the same bytes, wherever and
// whenever they are built: paths are trimmed, times are those of the commit.
// nfpm is run by its version, so that this module does not depend on it.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// nfpm is the program that writes packages.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"

// versionForm is what .deb and .rpm both take, and a linker's flag in one word.
// toolchain builds what is packaged: the same bytes everywhere, and no release
// of Go with holes that are known. govulncheck asks about it (.ci/run).
const toolchain = "go1.26.10"

var versionForm = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~-]*$`)

func main() {
	var j job
	var arches, formats string
	flag.StringVar(&j.version, "version", "", "version; default that of the latest tag, else 0.1.0~dev with the commit's date")
	flag.StringVar(&j.out, "out", "dist", "directory for the results")
	flag.StringVar(&arches, "arch", "amd64,arm64", "architectures, as Go names them")
	flag.StringVar(&formats, "format", "deb,rpm", "packages; none is the program alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := j.commitOf(ctx); err != nil {
		fail(err)
	}
	if !versionForm.MatchString(j.version) {
		fail(fmt.Errorf("version %q: packages of Debian would refuse it; it begins with a digit and has letters, digits and .+~- (Debian Policy 5.6.12)", j.version))
	}
	for _, arch := range strings.Split(arches, ",") {
		if err := j.build(ctx, arch, strings.Split(formats, ",")); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "packaging:", err)
	os.Exit(1)
}

// A job is what is built for each architecture.
type job struct {
	version, commit string
	when            time.Time // of the commit
	out             string
}

// commitOf asks git what is built. In a source archive without git, commit and
// time stay unknown, and -version is needed.
func (j *job) commitOf(ctx context.Context) error {
	j.when = time.Unix(0, 0)
	line, err := output(ctx, "git", "log", "-1", "--format=%h %ct")
	if err != nil {
		if j.version == "" {
			return fmt.Errorf("git does not say which commit this is: %w; name a -version", err)
		}
		return nil
	}
	hash, seconds, _ := strings.Cut(line, " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("git log: %q is no time of a commit", seconds)
	}
	j.commit, j.when = hash, time.Unix(n, 0)
	if changed, err := output(ctx, "git", "status", "--porcelain", "--untracked-files=no"); err == nil && changed != "" {
		j.commit += "+changes"
	}
	if j.version == "" {
		if tag, err := output(ctx, "git", "describe", "--tags", "--exact-match"); err == nil {
			j.version = strings.TrimPrefix(tag, "v")
		} else {
			j.version = "0.1.0~dev" + j.when.UTC().Format("20060102150405")
		}
	}
	return nil
}

// build makes the program and the packages of one architecture.
func (j *job) build(ctx context.Context, arch string, formats []string) error {
	stage, err := os.MkdirTemp("", "lateral-packaging-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	program := filepath.Join(stage, "lateral")
	if err := j.compile(ctx, program, "linux", arch); err != nil {
		return err
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return err
	}
	plain := filepath.Join(j.out, "lateral-linux-"+arch)
	if err := place(program, plain, 0o755, j.when); err != nil {
		return err
	}
	fmt.Println(plain)
	if err := j.furnish(stage); err != nil {
		return err
	}
	if err := j.explain(ctx, stage); err != nil {
		return err
	}
	for _, format := range formats {
		if format == "none" {
			continue
		}
		if err := j.pack(ctx, stage, arch, format); err != nil {
			return fmt.Errorf("%s for %s: %w", format, arch, err)
		}
	}
	return nil
}

// compile makes the program.
func (j *job) compile(ctx context.Context, program, system, arch string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags",
		"-s -w -buildid= -X lateral.Version="+j.version+" -X lateral.Commit="+j.commit, "-o", program, "lateral/cmd/lateral")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch, "GOFLAGS=", "GOAMD64=v1", "GOTOOLCHAIN="+toolchain)
	if err := loud(c); err != nil {
		return fmt.Errorf("go build for %s/%s: %w", system, arch, err)
	}
	return nil
}

// explain has the program write its manual page and completions: that of this
// machine, as the packaged one may be for another.
func (j *job) explain(ctx context.Context, stage string) error {
	program := filepath.Join(stage, "lateral")
	if out, err := output(ctx, program, "version"); err != nil || out == "" {
		program = filepath.Join(stage, "lateral-here")
		if err := j.compile(ctx, program, runtime.GOOS, runtime.GOARCH); err != nil {
			return err
		}
	}
	for file, args := range map[string][]string{
		"lateral.1": {"man"}, "lateral.bash": {"completion", "bash"}, "_lateral": {"completion", "zsh"}, "lateral.fish": {"completion", "fish"},
	} {
		c := exec.CommandContext(ctx, program, args...)
		c.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", j.when.Unix()))
		text, err := c.Output()
		if err != nil {
			return fmt.Errorf("lateral %s: %w", strings.Join(args, " "), err)
		}
		if file == "lateral.1" {
			file += ".gz" // Debian Policy 12.1
			var b bytes.Buffer
			z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a known one
			z.Write(text)                                         // a Buffer does not fail
			z.Close()
			text = b.Bytes()
		}
		to := filepath.Join(stage, file)
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(to, j.when, j.when); err != nil {
			return err
		}
	}
	return nil
}

// pack has nfpm write one package.
func (j *job) pack(ctx context.Context, stage, arch, format string) error {
	text, err := os.ReadFile(filepath.Join(root(), "packaging", "nfpm.yaml"))
	if err != nil {
		return err
	}
	values := map[string]string{"LATERAL_STAGE": stage, "LATERAL_ARCH": arch, "LATERAL_VERSION": j.version}
	config := filepath.Join(stage, "nfpm.yaml") // nfpm itself fills in some places only
	filled := os.Expand(string(text), func(name string) string { return values[name] })
	if err := os.WriteFile(config, []byte(filled), 0o644); err != nil {
		return err
	}
	run := exec.CommandContext(ctx, "go", "run", nfpm, "package", "--config", config, "--packager", format, "--target", j.out)
	run.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", j.when.Unix()))
	return loud(run)
}

// place copies a file.
func place(from, to string, mode os.FileMode, when time.Time) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := os.Chmod(to, mode); err != nil { // whatever the umask
		return err
	}
	return os.Chtimes(to, when, when)
}

// root is the directory of the module, from the root itself or from here.
func root() string {
	if _, err := os.Stat("go.mod"); err == nil {
		return "."
	}
	return ".."
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	b, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(b)), err
}

// loud runs a command whose words are for people.
func loud(c *exec.Cmd) error {
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}
