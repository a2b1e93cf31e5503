package sns

import (
	"crypto/subtle"
	"encoding/xml"
	"net/http"
)

// pathPrefix is where Handler expects its requests.
const pathPrefix = "/sns/"

// Handler serves what messages point at, below /sns/: the signing certificate as PEM, and
// the queries ConfirmSubscription (with the token of the confirmation message) and
// Unsubscribe (with the subscription's ARN, which only its endpoint learns). Queries are
// answered in XML as Amazon SNS does.
func (t *Topics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathPrefix+t.signer.fingerprint+".pem", t.serveCertificate)
	mux.HandleFunc("GET "+pathPrefix+"{$}", t.serveQuery)
	return mux
}

func (t *Topics) serveCertificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(t.signer.certPEM) // a client that went away is nobody's problem
}

func (t *Topics) serveQuery(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch query.Get("Action") {
	case "ConfirmSubscription":
		arn, ok := t.confirm(query.Get("TopicArn"), query.Get("Token"))
		if !ok {
			writeXML(w, http.StatusBadRequest, newErrorResponse("InvalidParameter", "Invalid token"))
			return
		}
		writeXML(w, http.StatusOK, confirmResponse{Xmlns: namespace, ARN: arn})
	case "Unsubscribe":
		if !t.Unsubscribe(query.Get("SubscriptionArn")) {
			writeXML(w, http.StatusNotFound, newErrorResponse("NotFound", "Subscription does not exist"))
			return
		}
		writeXML(w, http.StatusOK, unsubscribeResponse{Xmlns: namespace})
	default:
		writeXML(w, http.StatusBadRequest, newErrorResponse("InvalidAction", "The actions here are ConfirmSubscription and Unsubscribe"))
	}
}

// confirm marks the subscription that the token belongs to. Confirming twice is fine.
func (t *Topics) confirm(topicARN, token string) (subscriptionARN string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(func(s *subscription) bool {
		return s.topicARN == topicARN && subtle.ConstantTimeCompare([]byte(s.token), []byte(token)) == 1
	})
	if s == nil {
		return "", false
	}
	if !s.isConfirmed() {
		close(s.confirmed)
		t.opts.Log.Info("subscription confirmed", "topic", s.topicARN, "endpoint", s.endpoint)
	}
	return s.arn, true
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

type confirmResponse struct {
	XMLName xml.Name `xml:"ConfirmSubscriptionResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	ARN     string   `xml:"ConfirmSubscriptionResult>SubscriptionArn"`
}

type unsubscribeResponse struct {
	XMLName xml.Name `xml:"UnsubscribeResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
}

type errorResponse struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
}

func newErrorResponse(code, message string) errorResponse {
	return errorResponse{Xmlns: namespace, Type: "Sender", Code: code, Message: message}
}

func writeXML(w http.ResponseWriter, status int, v any) {
	// The three responses can always be written.
	body, _ := xml.Marshal(v)
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), body...)) // as for the certificate
}
