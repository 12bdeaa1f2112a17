# Sourced by the entry scripts: brings node_modules to what package-lock.json says, when it is not already.
if ! [ -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing the packages of package-lock.json …"
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
