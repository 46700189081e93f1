"""Names of messages (PostgreSQL's documentation, "Message Formats"), by their kinds."""

from __future__ import annotations

from collections.abc import Mapping

SSL_REQUEST = "SSLRequest"
GSS_REQUEST = "GSSENCRequest"
CANCEL = "CancelRequest"
STARTUP = "Startup"
UNKNOWN = "unknown"
FIRST: Mapping[tuple[int, int], str] = {
    (1234, 5678): CANCEL,
    (1234, 5679): SSL_REQUEST,
    (1234, 5680): GSS_REQUEST,
}
"""What a connection may begin with, by its code; any 3.x is a Startup."""

CLIENT: Mapping[bytes, str] = {
    b"B": "Bind",
    b"C": "Close",
    b"D": "Describe",
    b"E": "Execute",
    b"F": "FunctionCall",
    b"H": "Flush",
    b"P": "Parse",
    b"Q": "Query",
    b"S": "Sync",
    b"X": "Terminate",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"f": "CopyFail",
    b"p": "Password",
}
SERVER: Mapping[bytes, str] = {
    b"1": "ParseComplete",
    b"2": "BindComplete",
    b"3": "CloseComplete",
    b"A": "NotificationResponse",
    b"C": "CommandComplete",
    b"D": "DataRow",
    b"E": "ErrorResponse",
    b"G": "CopyInResponse",
    b"H": "CopyOutResponse",
    b"I": "EmptyQueryResponse",
    b"K": "BackendKeyData",
    b"N": "NoticeResponse",
    b"R": "Authentication",
    b"S": "ParameterStatus",
    b"T": "RowDescription",
    b"V": "FunctionCallResponse",
    b"W": "CopyBothResponse",
    b"Z": "ReadyForQuery",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"n": "NoData",
    b"s": "PortalSuspended",
    b"t": "ParameterDescription",
    b"v": "NegotiateProtocolVersion",
}
ENCRYPTION_ANSWER = "EncryptionAnswer"
"""The single byte that answers a request for encryption; it has no other name."""

BY_ITSELF = frozenset({b"A", b"N", b"S"})
"""What a server may say at any time, asked or not: nobody waits for it."""
COPIES = frozenset({b"c", b"d", b"f"})
"""Of a client: the rows of a COPY and their end, which belong to the statement before."""
ENDED_BY_READY = frozenset({b"F", b"Q", b"S"})
"""Of a client: each is answered by a ReadyForQuery in the end."""
