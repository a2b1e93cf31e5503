package main

// awsFlags say which of Amazon's services a backend uses, as a replica and as a function.
type awsFlags struct {
	DynamoDB         string   `name:"dynamodb-endpoint" help:"Another DynamoDB than Amazon's, such as DynamoDB Local." env:"MUSTER_DYNAMODB_ENDPOINT" placeholder:"URL"`
	Region           string   `help:"The region of GameLift and DynamoDB; else as the AWS SDK finds it." env:"AWS_REGION" placeholder:"REGION"`
	GameliftEndpoint string   `help:"Another GameLift than Amazon's, such as muster gamelift." env:"MUSTER_GAMELIFT_ENDPOINT" placeholder:"URL"`
	SNSTopics        []string `name:"sns-topic" help:"A topic whose events are taken; may be given again." env:"MUSTER_SNS_TOPICS" placeholder:"ARN"`
}

// callerFlags say whom a backend believes, as a replica and as a function.
type callerFlags struct {
	SigningKeys       string   `help:"File of the keys that sign tokens; or their text in MUSTER_SIGNING_KEYS." env:"MUSTER_SIGNING_KEYS_FILE" placeholder:"FILE"`
	SigningKeysSecret string   `help:"Secret of AWS Secrets Manager that holds them, in place of a file." env:"MUSTER_SIGNING_KEYS_SECRET" placeholder:"ARN"`
	ServerKeyHashes   []string `name:"server-key-hash" help:"Hash of a key that game servers show." env:"MUSTER_SERVER_KEY_HASHES" placeholder:"HASH"`
	AdminKeyHashes    []string `name:"admin-key-hash" help:"Hash of a key that operators show; without one there are no calls for operators." env:"MUSTER_ADMIN_KEY_HASHES" placeholder:"HASH"`
	Origins           []string `name:"origin" help:"Another origin whose pages may call, such as https://game.example." env:"MUSTER_ORIGINS" placeholder:"ORIGIN"`
}
