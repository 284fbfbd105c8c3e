"""Sources at Adobe Experience Platform, by its Flow Service.

`provider.AdobeProvider` hands each kind to its family: `registrations` (connection specifications and their place in a flow
specification), `accounts` (base connections) and `flows` (a flow with the source and the target connection that belong to it and
to nothing else). `wire` turns what is told into what is compared, `limits` says what Adobe cannot do, `seen` keeps what the
newest look told, so that a write can be refused when somebody else wrote meanwhile.
"""
