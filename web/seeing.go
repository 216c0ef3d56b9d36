// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"lateral/cache"
)

// verifyTimeout bounds a comparison: less than an answer may take.
const verifyTimeout = 50 * time.Second

func (f *Front) verify(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	for name := range q {
		if name != "region" && name != "repair" {
			err = fmt.Errorf("%w: option %.40q, where verify has region, repair", ErrRequest, name)
		}
	}
	var v cache.Verification
	if err == nil {
		var repair bool
		if repair, err = flag(q, "repair"); err == nil {
			ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
			defer cancel()
			v, err = f.Verify(ctx, q.Get("region"), repair)
		}
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, v)
}

func (f *Front) survey(w http.ResponseWriter, r *http.Request) {
	if f.Survey == nil {
		fail(w, fmt.Errorf("%w: this front makes no surveys", ErrRequest))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
	defer cancel()
	answer(w, http.StatusOK, f.Survey(ctx))
}

// java answers with what Java nodes hold: keys, or with values all of each element.
func (f *Front) java(w http.ResponseWriter, r *http.Request) {
	c, err := command(r, cache.GetMatching)
	if err == nil {
		err = f.mayName(r, c.Region)
	}
	if err == nil {
		var values bool
		if values, err = flag(r.URL.Query(), "values"); !values {
			c.Op = cache.Keys
		}
	}
	var held []cache.JavaHeld
	if err == nil && f.AskJava != nil {
		ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
		defer cancel()
		held, err = f.AskJava(ctx, c)
	}
	if err != nil {
		fail(w, err)
		return
	}
	out := make([]JavaHeld, len(held))
	for i := range held {
		out[i] = JavaHeldOf(&held[i])
		for k, e := range held[i].Elements {
			out[i].Elements[k] = f.element(e)
		}
	}
	answer(w, http.StatusOK, out)
}

func (f *Front) why(w http.ResponseWriter, r *http.Request) {
	c, err := command(r, cache.Get)
	var e cache.Explanation
	if err == nil {
		e, err = f.Explain(r.Context(), c.Region, c.Key)
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, e)
}
