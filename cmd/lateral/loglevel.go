// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"

	"lateral/web"
)

type loglevelCmd struct {
	Level   string `arg:"" optional:"" help:"debug, info, warn or error."`
	Service string `placeholder:"NAME" help:"This service only; default all of this host."`
	JSON    bool   `name:"json" help:"Print JSON."`
	place
}

func (*loglevelCmd) Help() string {
	return `Changes it at once, until the service ends or reads its files again (SIGHUP),
which brings back what --log-level says.

Examples:

  lateral loglevel
  lateral loglevel debug
  lateral loglevel warn --service groupware`
}

// A loudness is how much a service logs.
type loudness struct {
	Service string `json:"service"`
	web.LogLevel
}

func (c *loglevelCmd) Run(ctx context.Context, s *streams) error {
	var l slog.Level
	if c.Level != "" && l.UnmarshalText([]byte(c.Level)) != nil {
		return levelProblem("log level", c.Level)
	}
	cs, err := c.services(c.Service)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	list := []loudness{}
	for _, client := range cs {
		defer client.Close()
		x := loudness{Service: client.Service}
		if c.Level == "" {
			x.LogLevel, err = client.LogLevel(ctx)
		} else {
			x.LogLevel, err = client.SetLogLevel(ctx, c.Level)
		}
		if err != nil {
			return err
		}
		list = append(list, x)
	}
	if c.JSON {
		return s.out.json(list)
	}
	t := &table{}
	for _, x := range list {
		if x.Was != "" && x.Was != x.Level {
			t.add(x.Service, x.Level, "was "+x.Was)
		} else {
			t.add(x.Service, x.Level, " ")
		}
	}
	s.out.table("", t)
	return nil
}

// levelLog is a service's level, of whose changes its log tells.
type levelLog struct {
	*slog.LevelVar
	log *slog.Logger
}

// Set changes it, and says so whatever it is now.
func (v levelLog) Set(l slog.Level) {
	was := v.Level()
	v.LevelVar.Set(l)
	v.log.Log(context.Background(), max(l, slog.LevelInfo), "log level", "was", was, "is", l)
}
