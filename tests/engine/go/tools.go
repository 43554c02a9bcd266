//go:build tools

// Package engine pins the Pulumi CLI, and with it every module it is made of, in go.mod and go.sum.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
