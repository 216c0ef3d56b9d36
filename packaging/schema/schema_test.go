// SPDX-License-Identifier: Apache-2.0

// Package schema has the files for containers read by those who will read them:
// Kubernetes' own types, without a field that they do not know, and the loader
// of compose with its schema. It is a module of its own, so that nobody else
// needs theirs.
package schema

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// TestKubernetes wants each document to be of the kind it says, with no field
// twice and none that this kind has not.
func TestKubernetes(t *testing.T) {
	text, err := os.ReadFile("../../contrib/container/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, doc := range strings.Split(string(text), "\n---\n") {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		into, known := map[string]any{
			"v1 Service": &corev1.Service{}, "v1 ConfigMap": &corev1.ConfigMap{}, "apps/v1 Deployment": &appsv1.Deployment{},
			"networking.k8s.io/v1 NetworkPolicy": &networkingv1.NetworkPolicy{},
		}[head.APIVersion+" "+head.Kind]
		if !known {
			t.Errorf("document %d: this test does not know %q", i, head)
			continue
		}
		text, err := yaml.YAMLToJSONStrict([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", head.Kind, err)
		}
		strict, err := json.UnmarshalStrict(text, into)
		if err := errors.Join(append(strict, err)...); err != nil {
			t.Errorf("%s: %v", head.Kind, err)
		}
		seen[head.Kind] = true
	}
	if len(seen) != 4 {
		t.Errorf("seen: %v", seen)
	}
}

// TestCompose has the loader of compose judge the file by its schema.
func TestCompose(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{"../../contrib/container/compose.yaml"}, cli.WithName("lateral"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if names := project.ServiceNames(); len(names) != 6 {
		t.Errorf("services %v", names)
	}
}
