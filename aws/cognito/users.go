package cognito

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"muster"
	"muster/aws/caller"
	"muster/identity"
)

// DefaultCallTimeout bounds one call to Cognito.
const DefaultCallTimeout = 5 * time.Second

// maxParallel bounds the calls under way, and with them the password proofs computed at
// once, some ten milliseconds of a processor each.
const maxParallel = 32

// Flow is how Users proves a password to the pool.
type Flow string

// The flows. The zero value is FlowSRP.
const (
	FlowSRP      Flow = "srp"      // USER_SRP_AUTH: the password is not sent
	FlowPassword Flow = "password" // USER_PASSWORD_AUTH, for user migration by a Lambda
)

// UsersOptions is what Users needs. Pool, ClientID, Login, Now and Random are required.
type UsersOptions struct {
	Pool     PoolID
	ClientID string
	// ClientSecret reads the app client's secret when it is needed; nil: the client has
	// none.
	ClientSecret func() (string, error)
	Flow         Flow
	// ShowTokens gives clients the pool's own tokens, beside ours.
	ShowTokens bool
	Endpoint   string // base URL; empty: Amazon's for the pool's region

	// Login turns an access token that Cognito answered with into a grant of ours, after it has
	// checked that it is the pool's.
	Login func(ctx context.Context, accessToken string) (muster.Grant, error)

	HTTPClient  *http.Client  // nil: one of its own
	CallTimeout time.Duration // zero: DefaultCallTimeout
	Now         func() time.Time
	Random      io.Reader    // cryptographically strong
	Log         *slog.Logger // nil: silent
}

// Users signs players up and in at one user pool. It calls only what needs no AWS
// credentials. It is safe for concurrent use.
//
// Tokens that clients show for calls at the pool are Cognito's to check; nothing of them is
// checked here. Those that Cognito gives for a sign-in are checked by Login, as anybody's.
//
// A wrong password and an unknown name are the same error. These tell that an account
// exists: signing up with a name that is taken and is neither an e-mail address nor a
// telephone number; confirming an account with an address that another has; the right
// password of an account that is not confirmed; a password that an operator has reset; and,
// unless the app client prevents user existence errors, the step at which a sign-in fails
// whose password the client proves itself, and the time that one takes whose password is
// proven here.
type Users struct {
	o     UsersOptions
	api   *sdk.Client
	slots chan struct{}
}

// NewUsers makes a Users. It calls nobody.
func NewUsers(o UsersOptions) (*Users, error) {
	if err := o.Pool.Check(); err != nil {
		return nil, err
	}
	if o.ClientID == "" {
		return nil, errors.New("no app client is named")
	}
	if o.Flow == "" {
		o.Flow = FlowSRP
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	so := sdk.Options{Region: o.Pool.Region(), Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{}, Logger: caller.Log(o.Log)}
	if o.HTTPClient != nil {
		so.HTTPClient = o.HTTPClient
	}
	if o.Endpoint != "" {
		so.BaseEndpoint = &o.Endpoint
	}
	return &Users{o: o, api: sdk.New(so), slots: make(chan struct{}, maxParallel)}, nil
}

// enter takes a slot and bounds what follows in time. leave gives the slot back.
func (u *Users) enter(ctx context.Context) (bounded context.Context, leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, u.o.CallTimeout)
	select {
	case u.slots <- struct{}{}:
		return ctx, func() { cancel(); <-u.slots }, nil
	case <-ctx.Done():
		cancel()
		return nil, nil, identity.Refusal(identity.ProviderUnavailable, errors.New("too many calls to Cognito are under way"))
	}
}

// call does one operation within a slot. Its error is Cognito's, still to be told.
func call[In, Out any](ctx context.Context, u *Users, op func(context.Context, *In, ...func(*sdk.Options)) (*Out, error), in *In) (*Out, error) {
	ctx, leave, err := u.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return op(ctx, in)
}

// hash is the SECRET_HASH for a name; nil: the app client has no secret. Source: Cognito
// developer guide, "Computing secret hash values".
func (u *Users) hash(username string) (*string, error) {
	secret, err := u.secret()
	if err != nil || secret == nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(*secret))
	mac.Write([]byte(username + u.o.ClientID))
	return aws.String(base64.StdEncoding.EncodeToString(mac.Sum(nil))), nil
}

// secret is the app client's; nil: it has none.
func (u *Users) secret() (*string, error) {
	if u.o.ClientSecret == nil {
		return nil, nil
	}
	secret, err := u.o.ClientSecret()
	if err != nil {
		return nil, identity.Refusal(identity.ProviderUnavailable, err)
	}
	return &secret, nil
}

// SignUp makes an account, which is not confirmed yet. A name that is an e-mail address or
// a telephone number and is taken is no error: its owner would be told of.
func (u *Users) SignUp(ctx context.Context, want muster.PoolSignUp) error {
	hash, err := u.hash(want.Username)
	if err != nil {
		return err
	}
	in := &sdk.SignUpInput{ClientId: &u.o.ClientID, Username: &want.Username, Password: &want.Password, SecretHash: hash}
	for name, value := range want.Attributes {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: aws.String(name), Value: aws.String(value)})
	}
	_, err = call(ctx, u, u.api.SignUp, in)
	if isAddress(want.Username) {
		return u.told(ctx, err, hidden("UsernameExistsException"))
	}
	return u.told(ctx, err, nil)
}

// isAddress says that a name is something a person has, not something a player chose.
func isAddress(username string) bool {
	return strings.Contains(username, "@") || strings.HasPrefix(username, "+")
}

// ConfirmSignUp confirms an account by the code that was sent to its owner.
func (u *Users) ConfirmSignUp(ctx context.Context, username, code string) error {
	hash, err := u.hash(username)
	if err != nil {
		return err
	}
	_, err = call(ctx, u, u.api.ConfirmSignUp, &sdk.ConfirmSignUpInput{
		ClientId: &u.o.ClientID, Username: &username, ConfirmationCode: &code, SecretHash: hash,
	})
	return u.told(ctx, err, wrongCode)
}

// ResendCode has the code of SignUp sent again, if there is an account that waits for it.
func (u *Users) ResendCode(ctx context.Context, username string) error {
	hash, err := u.hash(username)
	if err != nil {
		return err
	}
	_, err = call(ctx, u, u.api.ResendConfirmationCode, &sdk.ResendConfirmationCodeInput{
		ClientId: &u.o.ClientID, Username: &username, SecretHash: hash,
	})
	return u.told(ctx, err, hiddenAccount)
}

// ForgotPassword has a code sent to the owner of an account, if there is one.
func (u *Users) ForgotPassword(ctx context.Context, username string) error {
	hash, err := u.hash(username)
	if err != nil {
		return err
	}
	_, err = call(ctx, u, u.api.ForgotPassword, &sdk.ForgotPasswordInput{
		ClientId: &u.o.ClientID, Username: &username, SecretHash: hash,
	})
	return u.told(ctx, err, hiddenAccount)
}

// ResetPassword sets a password by the code of ForgotPassword.
func (u *Users) ResetPassword(ctx context.Context, username, code, password string) error {
	hash, err := u.hash(username)
	if err != nil {
		return err
	}
	_, err = call(ctx, u, u.api.ConfirmForgotPassword, &sdk.ConfirmForgotPasswordInput{
		ClientId: &u.o.ClientID, Username: &username, ConfirmationCode: &code, Password: &password, SecretHash: hash,
	})
	return u.told(ctx, err, wrongCode)
}

// ChangePassword replaces a password by one who knows it. Without an access token it signs in
// to get one, which an account with a second factor does not allow. Cognito finds the account
// by the token, and takes one of any pool of the region.
func (u *Users) ChangePassword(ctx context.Context, want muster.PoolPasswordChange) error {
	token := want.AccessToken
	if token == "" {
		reply, err := u.prove(ctx, want.Username, want.Password)
		if err != nil {
			return err
		}
		if reply.tokens == nil {
			return muster.Errorf(muster.Denied, "cognito.challenged", "this account asks for more than a password: use an access token of the pool, or reset the password")
		}
		token = aws.ToString(reply.tokens.AccessToken)
	}
	_, err := call(ctx, u, u.api.ChangePassword, &sdk.ChangePasswordInput{
		AccessToken: &token, PreviousPassword: &want.Password, ProposedPassword: &want.NewPassword,
	})
	return u.told(ctx, err, nil)
}

// SignOut ends sign-ins at Cognito: with an access token all of its account, with a refresh
// token of the pool its own. Access tokens live until they expire, and a grant of ours is not
// touched.
func (u *Users) SignOut(ctx context.Context, accessToken, refreshToken string) error {
	if accessToken != "" {
		_, err := call(ctx, u, u.api.GlobalSignOut, &sdk.GlobalSignOutInput{AccessToken: &accessToken})
		if err := u.told(ctx, err, nil); err != nil {
			return err
		}
	}
	if refreshToken == "" {
		return nil
	}
	secret, err := u.secret()
	if err != nil {
		return err
	}
	_, err = call(ctx, u, u.api.RevokeToken, &sdk.RevokeTokenInput{Token: &refreshToken, ClientId: &u.o.ClientID, ClientSecret: secret})
	return u.told(ctx, err, nil)
}
