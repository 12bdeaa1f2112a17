# Sourced by the entry scripts: brings node_modules to what package-lock.json says, when it is not already.
# Not `npm ci`: it refuses a lock that lists no packages for platforms that the registry it was made with does not offer.
if ! [ -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing the packages of package-lock.json …"
  npm install --no-save --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
