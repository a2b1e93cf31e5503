package identity

// ForgetVerified has a Service check every token anew.
func ForgetVerified(s *Service) {
	s.verified.mu.Lock()
	defer s.verified.mu.Unlock()
	s.verified.young, s.verified.old = nil, nil
}
