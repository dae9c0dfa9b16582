//go:build tools

// Names what tests/packaging/kube_api.test builds, for go mod.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
