package httpapi

import (
	"context"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// bodyReadTimeout bounds how long a body may take to arrive. The connection's read
// deadline stays set while the handler works, so it also bounds a call with a body.
const bodyReadTimeout = 30 * time.Second

// operation describes one route: what huma needs to serve it and what the OpenAPI
// document says about it.
type operation struct {
	method, path         string
	id                   string // operationId
	tag                  string
	summary, description string
	need                 need
	status               int            // the usual success; 0: 200
	alsoStatus           map[int]string // further successes, with what each means
	refusals             []int          // beyond those that every route of its kind has
	bodyLimit            int64          // bytes; 0: no body
	rawBody              bool           // the body is not ours to decode
	ownBody              bool           // a document: the rules say what is wrong with it
	strict               bool           // unknown members are refused
	example              any            // of the success; may be nil
	streamed             bool           // the success is an object that huma does not encode
	requestExample       any            // of the body; may be nil
}

// newAPI sets huma up to serve JSON only, with unknown members ignored, and without
// pages or routes of its own.
func newAPI(mux *http.ServeMux, version string) huma.API {
	config := huma.DefaultConfig("Muster", version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.AllowAdditionalPropertiesByDefault = true
	config.Transformers = []huma.Transformer{ownProblems}
	api := humago.New(mux, config)
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		next(&answer{humaContext: ctx})
	})
	return api
}

// humaContext names the embedded field of answer, which Context would hide a method.
type humaContext = huma.Context

// answer lets ownProblems choose the status of a refusal that huma made.
type answer struct {
	humaContext
	status int // 0: as huma says
}

func (a *answer) Unwrap() huma.Context { return a.humaContext }

func (a *answer) SetStatus(status int) {
	if a.status != 0 {
		status = a.status
	}
	a.humaContext.SetStatus(status)
}

// ownProblems replaces huma's refusals by ours, right before one is written.
func ownProblems(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := problemOfRequest(m, ctx.Operation())
	if isDocument(ctx) {
		p = problemOfDocument(p)
	}
	for ctx != nil {
		if a, ok := ctx.(*answer); ok {
			a.status = p.Status
			break
		}
		wrapper, ok := ctx.(interface{ Unwrap() huma.Context })
		if !ok {
			break
		}
		ctx = wrapper.Unwrap()
	}
	return p, nil
}

// handle registers a route. The handler's error may be any; it is answered by its
// kind.
func handle[I, O any](s *server, op operation, handler func(context.Context, *I) (*O, error)) {
	h := s.describe(op)
	if body, has := reflect.TypeFor[I]().FieldByName("Body"); has && op.bodyLimit > 0 && !op.rawBody {
		h.Middlewares = append(h.Middlewares, exactMembers(body.Type, op))
	}
	huma.Register(s.api, h, func(ctx context.Context, in *I) (*O, error) {
		if op.strict {
			if err := refuseUnknown(ctx); err != nil {
				return nil, s.fail(ctx, err)
			}
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return out, nil
	})
}

// describe turns an operation into huma's form, with every answer it can give.
func (s *server) describe(op operation) huma.Operation {
	h := huma.Operation{
		Method:        op.method,
		Path:          op.path,
		OperationID:   op.id,
		Tags:          []string{op.tag},
		Summary:       op.summary,
		Description:   op.description,
		DefaultStatus: op.status,
		Responses:     s.responses(op),
		Security:      securityOf(op.need),
		Middlewares:   huma.Middlewares{s.guard(op)},

		SkipValidateBody: op.ownBody,
	}
	if op.bodyLimit > 0 {
		h.MaxBodyBytes = op.bodyLimit + 1 // huma refuses a body of exactly this size
		h.BodyReadTimeout = bodyReadTimeout
	}
	if op.requestExample != nil {
		h.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: op.requestExample}}}
	}
	return h
}

func (s *server) responses(op operation) map[string]*huma.Response {
	responses := map[string]*huma.Response{}
	status := op.status
	if status == 0 {
		status = http.StatusOK
	}
	success := &huma.Response{Description: http.StatusText(status)}
	if op.example != nil {
		success.Content = map[string]*huma.MediaType{"application/json": {Example: op.example}}
	}
	if op.streamed {
		success.Content["application/json"].Schema = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	}
	responses[strconv.Itoa(status)] = success
	for code, meaning := range op.alsoStatus {
		responses[strconv.Itoa(code)] = &huma.Response{Description: meaning}
	}
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem")
	for _, code := range refusalsOf(op) {
		responses[strconv.Itoa(code)] = &huma.Response{
			Description: http.StatusText(code),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
	return responses
}

// refusalsOf lists the statuses of refusals that a route can answer with.
func refusalsOf(op operation) []int {
	codes := append([]int{http.StatusBadRequest, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}, op.refusals...)
	if op.need != needNobody {
		codes = append(codes, http.StatusUnauthorized, http.StatusForbidden)
	}
	if op.bodyLimit > 0 {
		codes = append(codes, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge)
		if !op.rawBody {
			codes = append(codes, http.StatusUnsupportedMediaType)
		}
	}
	return codes
}

// guard refuses, before anything is parsed, a caller whom the route is not for and a
// body that it does not take.
func (s *server) guard(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if err := allow(r.Context(), op.need); err != nil {
			s.writeProblem(w, s.fail(r.Context(), err))
			return
		}
		if op.bodyLimit > 0 {
			if p := refuseBody(op, r); p != nil {
				s.writeProblem(w, p)
				return
			}
		}
		next(ctx)
	}
}

// refuseBody judges a body by its headers; nil: go on. It normalises the media type,
// so that every spelling of JSON is one.
func refuseBody(op operation, r *http.Request) *problem {
	if r.ContentLength > op.bodyLimit {
		return tooLarge(op.bodyLimit)
	}
	ct := r.Header.Get("Content-Type")
	if op.rawBody || ct == "" || r.ContentLength == 0 {
		if !op.rawBody {
			r.Header.Del("Content-Type")
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(ct)
	if err != nil || (mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json")) {
		return newProblem(http.StatusUnsupportedMediaType, "request.media_type", "send the body as application/json")
	}
	r.Header.Set("Content-Type", "application/json")
	return nil
}

func securityOf(n need) []map[string][]string {
	switch n {
	case needPlayer:
		return []map[string][]string{{playerSecurity: {}}}
	case needServer:
		return []map[string][]string{{serverSecurity: {}}}
	case needAdmin:
		return []map[string][]string{{adminSecurity: {}}}
	}
	return []map[string][]string{}
}
