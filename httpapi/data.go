package httpapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// Documents keeps JSON documents for players; *muster.Backend has it.
type Documents interface {
	Documents(ctx context.Context, me muster.PlayerID) ([]muster.DocumentView, error)
	Document(ctx context.Context, by muster.DataRole, p muster.PlayerID, namespace string) (muster.Document, error)
	PutDocument(ctx context.Context, by muster.DataRole, p muster.PlayerID, namespace string, body []byte, expect muster.Precondition) (doc muster.Document, created bool, err error)
	PatchDocument(ctx context.Context, by muster.DataRole, p muster.PlayerID, namespace string, patch []byte, expect muster.Precondition) (doc muster.Document, created bool, err error)
	DeleteDocument(ctx context.Context, by muster.DataRole, p muster.PlayerID, namespace string, expect muster.Precondition) error
}

// maxDocumentBody bounds the body of a document as it is sent, in bytes: spaces included,
// which are not stored.
const maxDocumentBody = 2 * muster.MaxDocumentBytes

// jsonObject is a JSON object as it was sent: decoding it would lose members that stand
// twice and the spelling of numbers.
type jsonObject []byte

// UnmarshalJSON keeps the text.
func (o *jsonObject) UnmarshalJSON(text []byte) error {
	*o = bytes.Clone(text)
	return nil
}

// MarshalJSON gives the text back.
func (o jsonObject) MarshalJSON() ([]byte, error) { return o, nil }

// Schema describes it.
func (jsonObject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "A JSON object of the game's own"}
}

type documentList struct {
	Documents []muster.DocumentView `json:"documents"`
}

// isDocument says that the request's body is a document.
func isDocument(ctx huma.Context) bool {
	exact, ok := ctx.Context().Value(exactKey{}).(*exactReader)
	return ok && exact.document
}

// The inputs come in two forms: of my own document, and of a player's.

type documentRead struct {
	Namespace   string `path:"namespace" minLength:"1" maxLength:"32" doc:"A namespace of the configuration" example:"settings"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1024" doc:"ETag that is known: 304 if it is still that" example:"\"3-9f86d081884c\""`
}

type playerDocumentRead struct {
	ID          muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Namespace   string          `path:"namespace" minLength:"1" maxLength:"32" doc:"A namespace of the configuration" example:"badges"`
	IfNoneMatch string          `header:"If-None-Match" maxLength:"1024" doc:"ETag that is known: 304 if it is still that" example:"\"3-9f86d081884c\""`
}

type documentWrite struct {
	Namespace   string `path:"namespace" minLength:"1" maxLength:"32" doc:"A namespace of the configuration" example:"settings"`
	IfMatch     string `header:"If-Match" maxLength:"1024" doc:"ETag that was read: write only if it is still that; 412 otherwise" example:"\"3-9f86d081884c\""`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1024" doc:"*: write only if there is none; 412 otherwise"`
	Body        jsonObject
}

type playerDocumentWrite struct {
	ID          muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Namespace   string          `path:"namespace" minLength:"1" maxLength:"32" doc:"A namespace of the configuration" example:"inventory"`
	IfMatch     string          `header:"If-Match" maxLength:"1024" doc:"ETag that was read: write only if it is still that; 412 otherwise" example:"\"3-9f86d081884c\""`
	IfNoneMatch string          `header:"If-None-Match" maxLength:"1024" doc:"*: write only if there is none; 412 otherwise"`
	Body        jsonObject
}

type documentDelete struct {
	Namespace string `path:"namespace" minLength:"1" maxLength:"32" doc:"A namespace of the configuration" example:"settings"`
	IfMatch   string `header:"If-Match" maxLength:"1024" doc:"ETag that was read: delete only if it is still that; 412 otherwise" example:"\"3-9f86d081884c\""`
}

type playerDocumentDelete struct {
	ID        muster.PlayerID `path:"id" minLength:"1" maxLength:"128" doc:"Id of a player" example:"0199c0de-0000-7000-8000-000000000001"`
	Namespace string          `path:"namespace" minLength:"1" maxLength:"32" doc:"A namespace of the configuration" example:"inventory"`
	IfMatch   string          `header:"If-Match" maxLength:"1024" doc:"ETag that was read: delete only if it is still that; 412 otherwise" example:"\"3-9f86d081884c\""`
}

type documentAnswer struct {
	Status int
	ETag   string `header:"ETag" doc:"Of the document, for If-Match"`
	Body   jsonObject
}

// dataRoutes serve documents: a player's own, those that everybody may read, and all of
// them to game servers.
func (s *server) dataRoutes() {
	if s.Documents == nil {
		return
	}
	handle(s, operation{
		method: http.MethodGet, path: "/v1/players/me/data", id: "documents", tag: "players",
		summary:     "List my documents",
		description: "Of each its namespace, size and ETag, and whether I may write it or some members of it. Documents that only game servers read are not listed.",
		need:        needPlayer, refusals: []int{http.StatusNotFound},
		example: documentList{[]muster.DocumentView{{Namespace: "settings", Bytes: 13, ETag: "3-9f86d081884c", Writable: true}}},
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body documentList }, error) {
		list, err := s.Documents.Documents(ctx, me(ctx))
		return &struct{ Body documentList }{documentList{notNil(list)}}, err
	})
	s.ownDocumentRoutes()
	s.serverDocumentRoutes()
	op := documentOperation(http.MethodGet, "/v1/players/{id}/data/{namespace}", "playerDocument", needPlayer)
	op.summary = "Read a document of a player"
	op.description = "Only of namespaces that everybody may read; 404 otherwise."
	handle(s, op, func(ctx context.Context, in *playerDocumentRead) (*documentAnswer, error) {
		by := muster.DataStranger
		if in.ID == me(ctx) {
			by = muster.DataOwner
		}
		return s.readDocument(ctx, by, in.ID, documentRead{in.Namespace, in.IfNoneMatch})
	})
}

func (s *server) ownDocumentRoutes() {
	const path = "/v1/players/me/data/{namespace}"
	op := documentOperation(http.MethodGet, path, "document", needPlayer)
	op.summary = "Read a document of mine"
	handle(s, op, func(ctx context.Context, in *documentRead) (*documentAnswer, error) {
		return s.readDocument(ctx, muster.DataOwner, me(ctx), *in)
	})
	op = documentOperation(http.MethodPut, path, "putDocument", needPlayer)
	op.summary = "Write a document of mine"
	op.description = "Replaces it. Where I may write some members only, those are replaced and the others stay; 403 data.field_not_yours when one of the others is sent otherwise than it is."
	handle(s, op, func(ctx context.Context, in *documentWrite) (*documentAnswer, error) {
		return s.writeDocument(ctx, s.Documents.PutDocument, muster.DataOwner, me(ctx), in)
	})
	op = documentOperation(http.MethodPatch, path, "patchDocument", needPlayer)
	op.summary = "Change members of a document of mine"
	op.description = "A merge patch (RFC 7396): null deletes a member. Without a document one is made."
	handle(s, op, func(ctx context.Context, in *documentWrite) (*documentAnswer, error) {
		return s.writeDocument(ctx, s.Documents.PatchDocument, muster.DataOwner, me(ctx), in)
	})
	op = documentOperation(http.MethodDelete, path, "deleteDocument", needPlayer)
	op.summary = "Delete a document of mine"
	op.description = "Where I may write some members only, those."
	handle(s, op, func(ctx context.Context, in *documentDelete) (*struct{}, error) {
		return s.deleteDocument(ctx, muster.DataOwner, me(ctx), *in)
	})
}

func (s *server) serverDocumentRoutes() {
	const path = "/v1/server/players/{id}/data/{namespace}"
	op := documentOperation(http.MethodGet, path, "serverDocument", needServer)
	op.summary = "Read any document of a player"
	handle(s, op, func(ctx context.Context, in *playerDocumentRead) (*documentAnswer, error) {
		return s.readDocument(ctx, muster.DataServer, in.ID, documentRead{in.Namespace, in.IfNoneMatch})
	})
	op = documentOperation(http.MethodPut, path, "putServerDocument", needServer)
	op.summary = "Write a document of a player"
	op.description = "For game servers: replaces it. Members that the player writes stay where they are not sent."
	handle(s, op, func(ctx context.Context, in *playerDocumentWrite) (*documentAnswer, error) {
		return s.writeDocument(ctx, s.Documents.PutDocument, muster.DataServer, in.ID, in.write())
	})
	op = documentOperation(http.MethodPatch, path, "patchServerDocument", needServer)
	op.summary = "Change members of a player's document"
	op.description = "For game servers: a merge patch (RFC 7396): null deletes a member. Without a document one is made."
	handle(s, op, func(ctx context.Context, in *playerDocumentWrite) (*documentAnswer, error) {
		return s.writeDocument(ctx, s.Documents.PatchDocument, muster.DataServer, in.ID, in.write())
	})
	op = documentOperation(http.MethodDelete, path, "deleteServerDocument", needServer)
	op.summary = "Delete a document of a player"
	op.description = "For game servers: all of it."
	handle(s, op, func(ctx context.Context, in *playerDocumentDelete) (*struct{}, error) {
		return s.deleteDocument(ctx, muster.DataServer, in.ID, documentDelete{in.Namespace, in.IfMatch})
	})
}

// documentOperation is what the calls on documents have in common, method by method.
func documentOperation(method, path, id string, who need) operation {
	op := operation{method: method, path: path, id: id, tag: "players", need: who, refusals: []int{http.StatusNotFound}}
	if who == needServer {
		op.tag = "server"
	}
	example := jsonObject(`{"volume":0.5}`)
	switch method {
	case http.MethodGet:
		op.example = example
		op.alsoStatus = map[int]string{http.StatusNotModified: "It is what If-None-Match says"}
		return op
	case http.MethodDelete:
		op.status = http.StatusNoContent
	default:
		op.example, op.requestExample, op.bodyLimit, op.ownBody = example, example, maxDocumentBody, true
		op.alsoStatus = map[int]string{http.StatusCreated: "There was none before"}
	}
	op.refusals = append(op.refusals, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	return op
}

func (in *playerDocumentWrite) write() *documentWrite {
	return &documentWrite{in.Namespace, in.IfMatch, in.IfNoneMatch, in.Body}
}

func (s *server) readDocument(ctx context.Context, by muster.DataRole, p muster.PlayerID, in documentRead) (*documentAnswer, error) {
	doc, err := s.Documents.Document(ctx, by, p, in.Namespace)
	out := documentAnswer{Status: http.StatusOK, ETag: etag(doc.Tag), Body: doc.Body}
	if err == nil && isKnown(in.IfNoneMatch, doc.Tag) {
		out.Status = http.StatusNotModified
	}
	return &out, err
}

type writeDocument func(ctx context.Context, by muster.DataRole, p muster.PlayerID, namespace string, body []byte, expect muster.Precondition) (doc muster.Document, created bool, err error)

func (s *server) writeDocument(ctx context.Context, write writeDocument, by muster.DataRole, p muster.PlayerID, in *documentWrite) (*documentAnswer, error) {
	expect, err := precondition(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	doc, created, err := write(ctx, by, p, in.Namespace, in.Body, expect)
	out := documentAnswer{Status: http.StatusOK, ETag: etag(doc.Tag), Body: doc.Body}
	if created {
		out.Status = http.StatusCreated
	}
	return &out, preconditioned(err)
}

func (s *server) deleteDocument(ctx context.Context, by muster.DataRole, p muster.PlayerID, in documentDelete) (*struct{}, error) {
	expect, err := precondition(in.IfMatch, "")
	if err != nil {
		return nil, err
	}
	return nil, preconditioned(s.Documents.DeleteDocument(ctx, by, p, in.Namespace, expect))
}
