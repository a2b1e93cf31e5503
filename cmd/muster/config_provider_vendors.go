package main

import "maps"

// withVendors adds the kinds of providers that are asked by calls, and the one that is the
// studio's own.
func withVendors(kinds map[string]providerKind) map[string]providerKind {
	maps.Copy(kinds, map[string]providerKind{
		"amazon":           {amazonKeys, func() providerSettings { return &amazonConfig{} }},
		"discord":          {discordKeys, func() providerSettings { return &discordConfig{} }},
		"facebook":         {facebookKeys, func() providerSettings { return &facebookConfig{} }},
		"facebook-instant": {facebookInstantKeys, func() providerSettings { return &facebookInstantConfig{} }},
		"steam":            {steamKeys, func() providerSettings { return &steamConfig{} }},
		"webhook":          {webhookKeys, func() providerSettings { return &webhookConfig{} }},
		"xbox":             {xboxKeys, func() providerSettings { return &xboxConfig{} }},
		"xbox-web":         {xboxWebKeys, func() providerSettings { return &xboxWebConfig{} }},
	})
	return kinds
}
