package wire

// amendments are the constraints that the generated table lacks because its model is
// older than the API: what Amazon added from April 2025 to June 2026. They replace
// entries of the same name.
// Source: the AWS SDK for Go, service/gamelift v1.55.0, and the API reference of June
// 2026.
func amendments() table {
	return table{
		Operations: map[string][]string{
			// March 2026.
			"GetPlayerConnectionDetails": {
				"InternalServiceException", "InvalidGameSessionStatusException", "InvalidRequestException",
				"LimitExceededException", "NotFoundException", "UnauthorizedException", "UnsupportedRegionException",
			},
			// April 2026.
			"DescribeContainerGroupPortMappings": {
				"InternalServiceException", "InvalidRequestException", "LimitExceededException",
				"NotFoundException", "UnauthorizedException", "UnsupportedRegionException",
			},
		},
		Structures: map[string]map[string]string{
			"GetPlayerConnectionDetailsInput": {
				"GameSessionId": "ArnStringModel!",
				"PlayerIds":     "PlayerIdList!", // 1 to 25, as CreatePlayerSessions
			},
			"DescribeContainerGroupPortMappingsInput": {
				"FleetId":            "FleetIdOrArn!",
				"ContainerGroupType": "ContainerGroupType!",
				"ComputeName":        "ComputeNameOrArn",
				"InstanceId":         "InstanceId",
				"ContainerName":      "NonZeroAnd128MaxAsciiString",
			},
			// The player gateway.
			"CreateFleetInput": {
				"PlayerGatewayMode":          "PlayerGatewayMode",
				"PlayerGatewayConfiguration": "PlayerGatewayConfiguration",
			},
			"CreateContainerFleetInput":  {"PlayerGatewayMode": "PlayerGatewayMode"},
			"PlayerGatewayConfiguration": {"GameServerIpProtocolSupported": "GameServerIpProtocolSupported"},
			// Scaling to and from zero.
			"UpdateFleetCapacityInput": {"ManagedCapacityConfiguration": "ManagedCapacityConfiguration"},
			"ManagedCapacityConfiguration": {
				"ZeroCapacityStrategy":          "ZeroCapacityStrategy",
				"ScaleInAfterInactivityMinutes": "ScaleInAfterInactivityMinutes",
			},
			// Realtime scripts.
			"CreateScriptInput": {"NodeJsVersion": "NodeJsVersion"},
		},
		Shapes: map[string]tableShape{
			"ScaleInAfterInactivityMinutes": {Min: bound(5), Max: bound(1440)},
		},
	}
}

func bound(n float64) *float64 { return &n }
