// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/metrics"
	"lateral/resp"
	"lateral/web"
)

// wall is the clock of services; nil is this machine's. Tests have some that are off.
var wall func() time.Time

type runCmd struct {
	Service  string   `required:"" placeholder:"NAME" help:"Name of this service in the cluster, and of its socket."`
	Config   []string `required:"" placeholder:"FILE" sep:"none" help:"A cache.ccf, or a directory: all *.ccf in it, cache.ccf first. The first file has jcs.default."`
	Host     string   `placeholder:"NAME" help:"Name of this host in the cluster; default its hostname."`
	Log      string   `enum:"text,json" default:"text" help:"Form of the log on standard error: text or json."`
	LogLevel string   `placeholder:"LEVEL" default:"info" help:"debug, info, warn or error; @FILE reads the word from a file, again at each SIGHUP."`
	httpFlags
	respFlags
	readyFlags
	place
}

func (*runCmd) Help() string {
	return `Runs until SIGTERM or SIGINT, which let peers catch up for a second, say
goodbye and end with exit status 0. Where there are sessions (regions with Acks)
no new ones are taken from then on, and peers are handed those there are, for
DrainTimeout at most; what could not be handed over is said, and the exit status
is 1. A second signal ends it at once. SIGHUP reads the files again and says, key
by key, what has changed and whether it can be applied without a restart.
systemd is told of readiness, reloads, the end (Type=notify-reload), and, as
long as the state of the service can be seen, that it lives (WatchdogSec=); its
journal gets each line with its priority (journalctl -p warning).

Examples:

  lateral run --service groupware --config /opt/open-xchange/etc/groupware
  lateral run --service groupware --config cache.ccf --config sessioncache.ccf
  lateral run --service admindaemon --config etc/admindaemon/cache.ccf --log json
  lateral run --service web --config cache.ccf --resp 127.0.0.1:6379 --resp-map 0=SessionCache,1=User`
}

// A service is what run runs.
type service struct {
	cmd   *runCmd
	files []string
	ccf   *ccf.Config
	level slog.LevelVar
	log   *slog.Logger
	node  *lateral.Node
	calls *metrics.Calls
	http  *entrance
	resp  atomic.Pointer[resp.Front]
	whole atomic.Bool // the mesh was complete, see reasons
}

func (c *runCmd) Run(ctx context.Context, s *streams) error {
	err := c.run(ctx, s)
	if a := answer(0); err == nil || errors.As(err, &a) || c.forPeople() {
		return err
	}
	c.say(s, err)
	return answer(2)
}

// forPeople reports whether standard error is read as it is, and not as a log
// whose readers understand nothing else, or tear its lines apart.
func (c *runCmd) forPeople() bool { return c.Log != "json" && !inJournal() }

// say says what went wrong in the form of the log, if it is for machines.
func (c *runCmd) say(s *streams, err error) {
	if c.forPeople() {
		s.err.problem(err)
		return
	}
	log := newLog(c.Log, s.err, slog.LevelError)
	for _, p := range problems(err) {
		log.Error(p.saw, "why", p.why, "do", p.do)
	}
}

func (c *runCmd) run(ctx context.Context, s *streams) error {
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) }) // the second one ends at once
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	v, lns, err := c.open(s)
	if err != nil {
		return err
	}
	// The node outlives ctx by its goodbye, and its interface the node.
	frontCtx, stopFront := context.WithCancel(context.WithoutCancel(ctx))
	front := make(chan error, 1)
	go func() {
		front <- v.serveFronts(frontCtx, lns)
	}()
	clients, err := v.serveResp(frontCtx)
	if err != nil {
		v.node.Close()
		stopFront()
		return errors.Join(err, <-front)
	}
	v.log.Info("started", "service", c.Service, "socket", lns.all.Addr().String(), "files", v.files)
	v.notify(daemon.SdNotifyReady)
	tell, silence := context.WithCancel(ctx)
	var teller sync.WaitGroup
	teller.Go(func() { v.tell(tell) })
	err = v.serve(ctx, hup, front, clients.failed)
	silence()
	teller.Wait()
	v.notify(daemon.SdNotifyStopping)
	if e := clients.stop(); e != nil && err == nil {
		err = e
	}
	closed := v.node.Close()
	stopFront()
	if e := <-front; e != nil && err == nil {
		err = e
	}
	if err == nil && errors.Is(closed, cache.ErrNotReplicated) {
		c.say(s, &problem{saw: closed.Error(), why: "what no peer holds is gone with this service",
			do: "stop one service at a time, with lateral mesh complete before the next; or give them longer with DrainTimeout"})
		v.log.Info("stopped")
		return no
	}
	if err == nil && closed != nil {
		err = fmt.Errorf("service %s ended: %w", c.Service, closed)
	}
	v.log.Info("stopped")
	return err
}

// sockets are those of a service: by the one everything may be done, by the
// other the dashboard looked at.
type sockets struct{ all, view net.Listener }

// open reads the files and opens all sockets.
func (c *runCmd) open(s *streams) (v *service, lns sockets, err error) {
	v = &service{cmd: c}
	if err = v.setLevel(); err != nil {
		return nil, lns, err
	}
	v.log = newLog(c.Log, s.err, &v.level)
	v.log.Info("starting", "service", c.Service, "version", lateral.Version, "pid", os.Getpid())
	if v.files, err = expand(c.Config); err != nil {
		return nil, lns, err
	}
	if v.ccf, err = ccf.Load(v.files...); err != nil {
		return nil, lns, err
	}
	var regions []string
	for _, r := range v.ccf.Regions {
		regions = append(regions, r.Name)
	}
	v.calls = metrics.NewCalls(regions...)
	v.keepSecrets()
	if v.http, err = c.listenHTTP(); err != nil {
		return nil, lns, err
	}
	in := v.http
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	dir := c.dir()
	if lns.all, err = web.Listen(dir, c.Service); err != nil {
		return nil, lns, err
	}
	if lns.view, err = web.ListenView(dir, c.Service); err != nil {
		lns.all.Close()
		return nil, lns, err
	}
	// Background: SIGTERM must not cut the node off before its goodbye.
	v.node, err = lateral.Open(context.Background(), lateral.Config{Service: c.Service, Host: c.Host, CCF: v.ccf, Logger: v.log, Now: wall})
	if err != nil {
		lns.all.Close()
		lns.view.Close()
		return nil, lns, err
	}
	return v, lns, nil
}

// keepSecrets sees to it that a crash leaves no secret on a disk, if there will
// be any.
func (v *service) keepSecrets() {
	secured := func(a ccf.Auxiliary) bool { return a.Lateral != nil && a.Lateral.Secured() }
	c := v.cmd
	if !slices.ContainsFunc(v.ccf.Auxiliaries, secured) && c.HTTPTokenFile+c.HTTPReadTokenFile+c.HTTPKey+c.RespPasswordFile+c.RespReadPasswordFile+c.RespKey == "" {
		return
	}
	if err := noCore(); err != nil {
		v.log.Warn("core files cannot be turned off: one would hold the secrets of this service; run it with ulimit -c 0", "error", err)
	}
}

// serve returns when the service is to end, with why if that is a failure.
func (v *service) serve(ctx context.Context, hup <-chan os.Signal, front chan error, resp <-chan error) error {
	for {
		select {
		case <-ctx.Done():
			v.log.Info("stopping: peers may catch up, then goodbye")
			return nil
		case <-v.node.Done():
			return nil // Close says why
		case err := <-front:
			front <- nil // for the one who waits for its end
			return fmt.Errorf("the interface of service %s failed: %w", v.cmd.Service, err)
		case err := <-resp:
			return fmt.Errorf("the RESP front of service %s failed: %w", v.cmd.Service, err)
		case <-hup:
			v.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
			v.reload()
			v.notify(daemon.SdNotifyReady)
		}
	}
}

// front is the HTTP interface of the service.
func (v *service) front() *web.Front {
	return &web.Front{Do: v.calls.Do("http", v.node.Do), Status: v.node.Status, Attributes: v.node.Attributes, Verify: v.node.Verify,
		Survey: v.node.Survey, Explain: v.node.Explain, AskJava: v.node.AskJava, Read: readJava, Metrics: v.metrics(), Reasons: v.reasons, Members: v.node, Level: levelLog{&v.level, v.log},
		Dashboard: dashboardOf(v.node, v.cmd.Service, v.cmd.dir())}
}

// notify tells systemd, if it asked to be told.
func (v *service) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		v.log.Warn("systemd cannot be notified", "state", state, "error", err)
	}
}

func newLog(form string, s *screen, level slog.Leveler) *slog.Logger {
	out := &prefixed{Writer: s}
	var h slog.Handler = slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})
	if form == "json" {
		h = slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: asText})
	}
	if inJournal() {
		h = ranked{h, out}
	}
	return slog.New(h)
}

// asText has JSON say durations, ids and addresses as the text form does: ids
// are too large for the numbers of most that read JSON.
func asText(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case time.Time, error, json.Marshaler:
	case fmt.Stringer:
		a.Value = slog.StringValue(v.String())
	}
	return a
}

var errLevel = errors.New("not a log level")
