// The backend's API as this page uses it. Times are RFC 3339 texts.

export interface Guest { id: string; secret: string }

export interface Grant {
  player: { id: string };
  accessToken: string;
  expiresInSeconds: number;
  refreshToken: string;
  guest?: { id: string; secret?: string };
}

export interface Player { id: string; displayName: string; activity?: { kind: 'ticket' | 'session'; ticketId?: string } | null }

/** Rating has no skill while there are placement games to play. */
export interface Rating { mode: string; skill?: number; placement?: { played: number; needed: number }; games: number; wins: number; losses: number; draws: number }

export interface Mode {
  name: string;
  title: string;
  description: string;
  kind: 'matchmaking' | 'queue' | 'standalone'; // queue: sessions are created and joined, nobody is matched
  acceptance: boolean;
  acceptanceTimeoutSeconds?: number;
  teams: { name: string; minPlayers: number; maxPlayers: number }[];
  choices?: Record<string, string[]>;
}

export type TicketStatus =
  | 'queued' | 'searching' | 'requiresAcceptance' | 'placing'
  | 'completed' | 'failed' | 'cancelled' | 'timedOut';

export interface Seat {
  sessionId: string;
  mode: string;
  team: string;
  ipAddress: string;
  dnsName?: string;
  port: number;
  playerSessionId: string;
  joinToken?: string;
  joinTokenExpiresAt?: string;
}

export interface Ticket {
  id: string;
  mode: string;
  status: TicketStatus;
  version: number;
  createdAt: string;
  updatedAt: string;
  players: string[];
  estimatedWaitSeconds?: number;
  match?: {
    id: string;
    acceptanceRequired: boolean;
    acceptBy?: string;
    playerCount: number;
    acceptedCount: number;
    you: 'pending' | 'accepted' | 'declined';
  };
  seat?: Seat;
  reason?: { code: string; message: string };
}

/** Explanation is why a ticket is not matched yet; the backend says more than this page shows. */
export interface Explanation { ticketId: string; status: TicketStatus; message: string }

export type Outcome = 'win' | 'loss' | 'draw' | 'none';

export interface ResultTeam { name: string; rank: number; score: number; players: { playerId: string; left?: boolean }[] }

export interface MatchResult {
  sessionId: string;
  mode: string;
  outcome: Outcome;
  team: string;
  skillBefore?: number; // absent: hidden by placement games, or the match was unrated
  skillAfter?: number;
  unrated?: boolean;
  teams: ResultTeam[];
}

/** What a player can be told went wrong. */
export interface Problem { code: string; title: string; detail: string; status?: number; ticketId?: string; seat?: Seat; retryAfter?: number }
