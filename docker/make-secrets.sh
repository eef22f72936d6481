#!/bin/sh
# Makes what is not there yet of the keys and passwords of the federation in docker/secrets, and writes anew what follows
# from them: Redis's users with what each may do, and the address of the database. Nobody else can look into the folder;
# the files can be read by the users of the containers, into which compose mounts one at a time.
#
# A credential is renewed by removing its file and running this again; README.md says what has to be restarted then.
set -eu
cd "$(dirname "$0")"

centres='climeri theia pndb'

word() {
    head -c 48 /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

make() { # file, text
    if [ ! -s "secrets/$1" ]; then
        printf '%s\n' "$2" >"secrets/$1"
    fi
}

user() { # name, keys: a line of the ACL file, which holds no password but its digest
    password=$(sed 's|^redis://[^:]*:\([^@]*\)@.*|\1|' "secrets/broker-$1")
    printf 'user %s on #%s resetkeys resetchannels ~%s -@all' "$1" "$(printf '%s' "$password" | sha256)" "$2"
    # What the transport uses, and nothing that administers Redis or lists keys, whoever may read them.
    printf ' +@read +@write +@connection +@transaction -@dangerous -@admin -@scripting -scan -randomkey -dbsize'
    printf ' +eval +evalsha +script|load +time +client|setname +client|setinfo'
}

umask 077
mkdir -p secrets
umask 022

for who in server $centres; do
    make "broker-$who" "redis://$who:$(word)@redis:6379/0"
done
for centre in $centres; do
    make "key-$centre" "$(word)"
done
make postgres-password "$(word)"
printf 'postgresql+psycopg://gaia:%s@postgres:5432/gaia\n' "$(cat secrets/postgres-password)" >secrets/store
{
    echo 'user default off'
    echo 'user health on nopass resetkeys resetchannels -@all +ping'
    user server 'gaia:*'
    echo ' +publish +subscribe +unsubscribe &gaia:changes'
    for centre in $centres; do
        user "$centre" "gaia:$centre:*"
        echo
    done
} >secrets/redis.acl
chmod 0644 secrets/*
