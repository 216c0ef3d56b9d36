// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"lateral/internal/lab"
)

// An image is what the Containerfile says.
type image struct {
	copies          [][2]string // from, to
	uid, gid        uint32
	entrypoint, cmd []string
}

// imageOf reads a Containerfile of the few instructions that ours has.
func imageOf(t *testing.T) (im image) {
	t.Helper()
	text, err := os.ReadFile("../contrib/container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch word {
		case "", "#", "ARG", "EXPOSE", "WORKDIR":
		case "FROM":
			if rest != "scratch" && rest != "scratch AS tmp" {
				t.Errorf("FROM %s: there is more in the image than the program", rest)
			}
		case "COPY":
			f := strings.Fields(rest)
			if f[len(f)-1] == "/" { // of the stage that makes /tmp: TestImage looks at it
				continue
			}
			im.copies = append(im.copies, [2]string{strings.ReplaceAll(f[len(f)-2], "${TARGETARCH}", "amd64"), f[len(f)-1]})
		case "USER":
			u, g, _ := strings.Cut(rest, ":")
			uid, e1 := strconv.ParseUint(u, 10, 32)
			gid, e2 := strconv.ParseUint(g, 10, 32)
			im.uid, im.gid, err = uint32(uid), uint32(gid), errors.Join(e1, e2)
		case "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &im.entrypoint)
		case "CMD":
			err = json.Unmarshal([]byte(rest), &im.cmd)
		default:
			t.Fatalf("this test does not know %s", word)
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if im.uid == 0 || len(im.copies) != 1 || len(im.entrypoint) != 1 || len(im.cmd) == 0 {
		t.Fatalf("the Containerfile says %+v", im)
	}
	return im
}

// A manifest is what this test looks at in files of Kubernetes.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		ClusterIP                string `yaml:"clusterIP"`
		PublishNotReadyAddresses bool   `yaml:"publishNotReadyAddresses"`
		Template                 struct {
			Spec struct {
				Containers []struct {
					Name           string
					Args           []string
					ReadinessProbe struct {
						Exec struct{ Command []string }
					} `yaml:"readinessProbe"`
					SecurityContext struct {
						User     uint32 `yaml:"runAsUser"`
						Group    uint32 `yaml:"runAsGroup"`
						ReadOnly bool   `yaml:"readOnlyRootFilesystem"`
					} `yaml:"securityContext"`
				}
			}
		}
	}
}

// manifests returns the documents of kubernetes.yaml by kind.
func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	text, err := os.ReadFile("../contrib/container/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]manifest{}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var m manifest
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out[m.Kind] = m
	}
}

// settings are the lines of a ccf that say something.
func settings(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// TestContainerFiles: what compose and Kubernetes run is the same, and fits the image.
func TestContainerFiles(t *testing.T) {
	im, k := imageOf(t), manifests(t)
	plain, err := os.ReadFile("../contrib/container/cache.ccf")
	if err != nil {
		t.Fatal(err)
	}
	ccf := settings(string(plain))
	if got := settings(k["ConfigMap"].Data["cache.ccf"]); !reflect.DeepEqual(got, ccf) {
		t.Errorf("the ConfigMap has another ccf:\n%s", strings.Join(got, "\n"))
	}
	peers := k["Service"]
	if want := "jcs.auxiliary.LTCP.attributes.DnsPeers=" + peers.Metadata.Name + ":57462"; ccf[len(ccf)-1] != want || peers.Spec.ClusterIP != "None" || !peers.Spec.PublishNotReadyAddresses {
		t.Errorf("peers are found by %s, and the service is %+v", ccf[len(ccf)-1], peers)
	}
	beside := k["Deployment"].Spec.Template.Spec.Containers[1]
	if s := beside.SecurityContext; s.User != im.uid || s.Group != im.gid || !s.ReadOnly {
		t.Errorf("securityContext %+v, image %+v", s, im)
	}
	if !reflect.DeepEqual(beside.Args[:len(im.cmd)], im.cmd) || k["NetworkPolicy"].Kind == "" {
		t.Errorf("arguments %q, image %q", beside.Args, im.cmd)
	}
	text, err := os.ReadFile("../contrib/container/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Command     []string
			ReadOnly    bool   `yaml:"read_only"`
			NetworkMode string `yaml:"network_mode"`
			Networks    map[string]struct{ Aliases []string }
			Healthcheck struct{ Test []string }
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"1", "2"} {
		s, web, holds := compose.Services["lateral"+n], compose.Services["web"+n], compose.Services["pod"+n]
		if web.NetworkMode != "service:pod"+n || holds.NetworkMode != "" || !slices.Contains(holds.Networks["default"].Aliases, peers.Metadata.Name) {
			t.Errorf("the network of host %s is web's %q, or %+v: a new image of web would take it from Lateral", n, web.NetworkMode, holds)
		}
		if want := append(beside.Args[:len(beside.Args):len(beside.Args)], "--ready-nodes", "2"); !reflect.DeepEqual(s.Command, want) || !s.ReadOnly || s.NetworkMode != "service:pod"+n || s.Healthcheck.Test[1] != beside.ReadinessProbe.Exec.Command[0] {
			t.Errorf("compose runs %+v", s)
		}
	}
}

// A pod is a host in whose empty root, as the image's user, commands run.
type pod struct {
	t    *testing.T
	host *lab.Host
	im   image
	root string
}

// newPod makes the root that the Containerfile describes, with what an engine
// mounts: the ConfigMap, /tmp and resolv.conf.
func newPod(t *testing.T, h *lab.Host, im image, dist, ccf, nameserver string) *pod {
	t.Helper()
	p := &pod{t, h, im, t.TempDir()}
	for _, dir := range []string{"usr/bin", "etc/lateral", "tmp"} {
		if err := os.MkdirAll(filepath.Join(p.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for dir := p.root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // the way there
			t.Fatal(err)
		}
	}
	err := errors.Join(
		place(filepath.Join(dist, im.copies[0][0]), filepath.Join(p.root, im.copies[0][1]), 0o755, time.Now()),
		os.Chmod(filepath.Join(p.root, "tmp"), 0o777|os.ModeSticky),
		os.WriteFile(filepath.Join(p.root, "etc/lateral/cache.ccf"), []byte(ccf), 0o644),
		os.WriteFile(filepath.Join(p.root, "etc/resolv.conf"), []byte("nameserver "+nameserver+"\noptions timeout:1\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start runs a command of the image.
func (p *pod) start(program string, args ...string) *lab.Proc {
	p.t.Helper()
	c := exec.Command(program, args...)
	c.Dir, c.Env = "/", []string{}
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: p.root, Credential: &syscall.Credential{Uid: p.im.uid, Gid: p.im.gid}}
	proc, err := p.host.StartCmd(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return proc
}

// exec runs the program to its end, as `kubectl exec` does.
func (p *pod) exec(args ...string) string {
	p.t.Helper()
	proc := p.start(p.im.entrypoint[0], args...)
	if err := proc.Wait(30 * time.Second); err != nil {
		p.t.Errorf("%q: %v\n%s", args, err, strings.Join(proc.Lines(), "\n"))
	}
	return strings.Join(proc.Lines(), "\n")
}

// TestPods runs what kubernetes.yaml says in two hosts that hear no multicast,
// in an empty root, as its user: they find each other by DNS, are ready, and share a session, with one in the place of a pod that was lost, too.
func TestPods(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		lab.Missing(t, "root", "needs root")
	}
	im, k := imageOf(t), manifests(t)
	l := lab.New(t, lab.Options{Hosts: 4, NoRoute: true})
	beside := k["Deployment"].Spec.Template.Spec.Containers[1]
	ns := l.Hosts[2].Addr.String()
	dns := serveDNS(t, l.Hosts[2], k["Service"].Metadata.Name)
	dist, _ := versions(t)
	var pods []*pod
	var procs []*lab.Proc
	start := func(h *lab.Host) *pod {
		p := newPod(t, h, im, dist, k["ConfigMap"].Data["cache.ccf"], ns)
		dns.add(h.Addr)
		procs = append(procs, p.start(im.entrypoint[0], beside.Args...))
		return p
	}
	for _, h := range l.Hosts[:2] {
		pods = append(pods, start(h))
	}
	probe := beside.ReadinessProbe.Exec.Command
	for _, p := range pods {
		p.exec("mesh", "--wait", "40s", "--nodes", "2")
		p.exec(append(probe[1:len(probe):len(probe)], "--wait", "20s")...)
	}
	pods[0].exec("put", "SessionCache", "4711", "anna", "--acks", "1")
	if got := pods[1].exec("get", "SessionCache", "4711"); got != "anna" {
		t.Errorf("the other pod has %q", got)
	}
	if dns.asked() == 0 {
		t.Error("nobody asked DNS")
	}
	procs[1].Kill() // DNS goes on naming it, as if its machine were gone
	next := start(l.Hosts[3])
	procs[2].WaitLine(`msg="link up"`, 40*time.Second)
	if got := next.exec("get", "SessionCache", "4711"); got != "anna" {
		t.Errorf("the pod in the place of one that was lost has %q", got)
	}
}

// TestImage builds the image, where there is buildah.
func TestImage(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("buildah"); err != nil {
		lab.Missing(t, "buildah", "needs buildah")
	}
	dist, _ := versions(t)
	store := []string{"--storage-driver", "vfs", "--root", t.TempDir(), "--runroot", t.TempDir()}
	run := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "buildah", append(store, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("buildah %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("build", "--layers", "--isolation", "chroot", "-f", "../contrib/container/Containerfile", "-t", "lateral", dist) // as podman does
	says := run("inspect", "--type", "image", "--format", "{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}", "localhost/lateral")
	if want := "65532:65532 [/usr/bin/lateral] [run --service web --config /etc/lateral]"; says != want {
		t.Errorf("the image has %q, want %q", says, want)
	}
	root := run("mount", run("from", "localhost/lateral"))
	if st, err := os.Stat(root + "/tmp"); err != nil || st.Mode().Perm() != 0o777 {
		t.Errorf("/tmp: %v %v: what an engine mounts there takes its mode when the container starts again", st, err)
	}
	files, err := filepath.Glob(root + "/*/*/*")
	if err != nil || len(files) != 1 {
		t.Errorf("in the image are %q %v", files, err)
	}
	out, err := exec.CommandContext(t.Context(), root+"/usr/bin/lateral", "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "lateral 1.0.0 (commit 0123abc, ") {
		t.Errorf("the program in it says %q %v", out, err)
	}
}
