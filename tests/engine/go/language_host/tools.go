//go:build tools

// Package languagehost pins Pulumi's Python language host. Later releases have it in a module of its own that is not
// published; this is one whose SDK module still holds it.
package languagehost

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
