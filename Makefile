# The front door: `make help` lists what a person may want to do here.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

# Options, as `make demo RELEASE=bookworm`. They reach the programs through the environment,
# so that no quote of CMD gets lost on the way.
export LAB ?= lab
export RELEASE ?= trixie
BACKEND ?=
PANELS ?= 24
FIRMWARE ?= 61707
SIMULATOR ?=
HOST ?= client
# As typed: a $ in it is the shell's, not make's.
override CMD := $(value CMD)
export CMD
INVENTORY ?= inventory/home
LIMIT ?=
ARGS ?=
# Of make validate: text, json, junit or github; the folder for the rendered files; and whether
# what cannot be looked into, such as a secret that is not here, is a mistake.
FORMAT ?= text
OUTPUT ?= .ansible/validate
STRICT ?=
export NAME ?=
PYTEST ?=
CORE ?=
STATE ?=
SIDE ?=
POSITION ?=
RADIO ?=
ARCH ?=
# Options of the image: its base, and the web folder for its files.
BASE ?= debian
BASE_IMAGE ?=
PORT ?=
BASE_SHA256 ?=
BASE_URL ?=
VALID_DAYS ?=
FRESH ?=
DEVICE ?=
KEY ?=
IMAGE ?=
# Of a lab: the card that its Pi boots, and writes to.
CARD ?=
LIVE ?= yes
KEEP ?= no

VENV := .venv/bin
# A Debian user's own path lacks the system's programs, such as dnsmasq.
export PATH := $(CURDIR)/$(VENV):$(PATH):/usr/sbin:/sbin
export PYTHONPATH := $(CURDIR)/tests/lab:$(CURDIR)/ansible
bridgectl := python3 -m bridgectl
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

# Labs need root: network namespaces, mounts, containers. The home stays the caller's, and the
# cache with it.
KEPT := PYTHONPATH,ANSIBLE_CONFIG,LAB,RELEASE,CMD,XDG_CACHE_HOME,DEBIAN_MIRROR
SUDO := sudo --preserve-env=$(KEPT) env HOME="$(HOME)" PATH="$(PATH)"
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),$(SUDO))
lab := $(AS_ROOT) python3 -m pvs_lab

simulator = --panels $(PANELS) --firmware $(FIRMWARE) $(SIMULATOR)
on_lab = $(filter inventory/lab inventory/lab/,$(INVENTORY))
# What a person has not made yet is better named here than by Ansible.
described = test -e "$(INVENTORY)" || { printf 'error: %s\n  hint: %s\n' \
	"INVENTORY=$(INVENTORY) does not exist" "describe a bridge first: make init NAME=garage" >&2; exit 1; }
playbook = $(described); $(if $(on_lab),$(lab) status --lab $(LAB) > /dev/null && $(AS_ROOT)) ansible-playbook -i "$(INVENTORY)" $(if $(LIMIT),--limit $(LIMIT))

.PHONY: help
help: ## Show this list
	@awk -F ':[^#]*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

##@ See it work, without a Pi
.PHONY: demo demo-down
demo: setup-lab ## A simulated Pi, provisioned for real (RELEASE= BACKEND= PANELS= FIRMWARE=)
	@$(AS_ROOT) python3 -m pvs_lab.demo up --release $(RELEASE) --backend "$(BACKEND)" --simulator "$(simulator)"

demo-down: ## Remove the demo
	@$(AS_ROOT) python3 -m pvs_lab.demo down

##@ Your bridges
.PHONY: init provision check rehearse validate health doctor
init: setup-controller ## Begin a bridge's description: inventory/home/NAME.yml (NAME=garage)
	@$(bridgectl) init "$$NAME" --inventory "$(INVENTORY)"

provision: setup-controller ## Make a Pi a bridge, or bring it up to date (INVENTORY= LIMIT= ARGS=)
	@$(playbook) ansible/site.yml $(ARGS)

check: setup-controller ## Show what provision would change, and change nothing
	@$(playbook) ansible/site.yml --check --diff $(ARGS)

# Options left out default to what the bridge runs.
asked_for = $(if $(filter-out file,$(origin $(1))),$($(1)))
rehearse: setup-lab ## Prove a description on a twin of its Pi (LIMIT= RELEASE= FIRMWARE= LIVE=no KEEP=yes)
	@$(described); $(bridgectl) rehearse --inventory "$(INVENTORY)" --limit "$(LIMIT)" \
		--release "$(call asked_for,RELEASE)" --backend "$(BACKEND)" \
		--firmware "$(call asked_for,FIRMWARE)" --live "$(LIVE)" --keep "$(KEEP)" \
		--as-root '$(AS_ROOT)' -- $(ARGS)

validate: setup-validate ## Prove descriptions without a Pi (INVENTORY= LIMIT= FORMAT= OUTPUT= STRICT=yes ARGS=)
	@$(bridgectl) validate --inventory "$(INVENTORY)" --limit "$(LIMIT)" \
		--format "$(FORMAT)" --output "$(OUTPUT)" $(if $(STRICT),--strict) $(ARGS)

health: setup-controller ## Ask each bridge for DeviceList, and name what is broken
	@$(playbook) ansible/health.yml $(ARGS)

doctor: setup-controller ## Examine bridges over SSH alone: the broken link, its hint (LIMIT= ARGS=--bundle)
	@$(described); $(if $(on_lab),$(lab) status --lab $(LAB) > /dev/null && $(AS_ROOT)) \
		$(bridgectl) doctor --inventory "$(INVENTORY)" --limit "$(LIMIT)" $(ARGS)

##@ The SD card
.PHONY: image image-serve image-reproduce personalise
# The next step after a build, on this machine or on the web.
next = Next: write it with Raspberry Pi Imager, which asks for Wi-Fi, user and SSH key:\n\
  rpi-imager --repo build/os_list.json\nIf Imager is on another computer:\n  make image-serve\nOr write a card for a bridge of your inventory:\n\
  make personalise LIMIT=garage
next_on_web = Next: upload these files to $(BASE_URL), then write a card with:\n\
  rpi-imager --repo $(BASE_URL:/=)/os_list.json
card := PYTHONPATH=$(CURDIR)/image:$(CURDIR)/ansible python3 -m pvs_image
image: setup-image ## Build the card into build/ (BASE=raspios BASE_IMAGE= BASE_SHA256= BASE_URL= FRESH=yes)
	@$(card) build --base "$(BASE)" --base-image "$(BASE_IMAGE)" --base-sha256 "$(BASE_SHA256)" \
		--base-url "$(BASE_URL)" $(if $(filter-out no,$(FRESH)),--fresh)
	@printf '%b\n' '\n$(if $(BASE_URL),$(next_on_web),$(next))'

image-serve: setup-controller ## Serve the built card to Raspberry Pi Imager on another computer (PORT=8000)
	@$(card) serve $(if $(PORT),--port "$(PORT)")

# LIMIT=lab makes a card for the lab, which needs no inventory of your own; boot it with:
# make lab-up CARD=build/pvs-bridge-lab.img
personalise: export RADIO := yes
personalise: INVENTORY := $(if $(filter lab,$(LIMIT)),$(or $(wildcard $(INVENTORY)),inventory/lab),$(INVENTORY))
personalise: KEY := $(or $(KEY),$(if $(on_lab),build/lab_ed25519.pub))
personalise: setup-card $(if $(filter lab,$(LIMIT)),build/lab_ed25519.pub) ## A card for one bridge of your inventory (LIMIT= DEVICE=/dev/sdX KEY= IMAGE= FROM=backup IDENTITY= ARGS=)
	@$(if $(FROM),,$(described);) $(card) personalise --inventory "$(INVENTORY)" --limit "$(LIMIT)" \
		$(if $(DEVICE),--device "$(DEVICE)") $(if $(KEY),--key "$(KEY)") $(if $(IMAGE),--image "$(IMAGE)") \
		$(if $(FROM),--from "$(FROM)") $(if $(IDENTITY),--identity "$(IDENTITY)") $(ARGS)

build/lab_ed25519.pub:
	@mkdir -p build && ssh-keygen -q -t ed25519 -N "" -C lab -f build/lab_ed25519

image-reproduce: setup-image ## Build the card twice, in two places, and compare every byte
	@PYTHONPATH=$(CURDIR)/tests:$(CURDIR)/image python3 tests/bench/image_reproduce.py

##@ A Pi without a controller
.PHONY: package repository
package: setup-controller ## Build the Debian package, which a Pi provisions itself with: sudo pvs-bridge setup
	@$(card) package
	@printf '%s\n' '' 'Next: copy it to a Pi with Raspberry Pi OS Trixie or Debian 13, and there, in its folder:' \
		'  sudo apt install ./pvs-bridge_*_all.deb' '  sudo pvs-bridge setup'

repository: setup-repository ## Build a signed Debian repository for the web (KEY= BASE_URL= VALID_DAYS=90)
	@$(card) repository --key "$(KEY)" --base-url "$(BASE_URL)" $(if $(VALID_DAYS),--valid-days "$(VALID_DAYS)")
	@printf '%s\n' '' 'Next: upload build/repository to $(BASE_URL)'

##@ The lab: a PVS, a home and a fresh Pi on this machine
.PHONY: lab-up lab-run lab-down lab-list lab-power lab-cable simulator
with_radio = $(filter-out no,$(RADIO))
lab-up: setup-$(if $(CARD),test-image,$(if $(with_radio),radio,lab)) ## Bring a lab up (RELEASE= BACKEND= RADIO=yes CARD= FIRMWARE= PANELS= SIMULATOR= LAB=)
	@$(lab) up --lab $(LAB) --release $(RELEASE) --backend "$(BACKEND)" --simulator "$(simulator)" \
		$(if $(with_radio),--radio) $(if $(CARD),--card "$(CARD)")

lab-run: setup-lab ## Run CMD= on HOST=client|bridge|router|pvs, with its output alone
	@$(lab) run --lab $(LAB) $(HOST) "$$CMD"

lab-down: setup-lab ## Remove a lab whole (LAB=)
	@$(lab) down --lab $(LAB)

lab-list: setup-lab ## Name the labs that are up
	@$(lab) list

lab-power: setup-lab ## Pull the Pi's plug or push it in (STATE=off|on)
	@$(lab) power --lab $(LAB) $(STATE)

lab-cable: setup-lab ## Pull a cable of the Pi or push it in (SIDE=pvs|home POSITION=out|in)
	@$(lab) cable --lab $(LAB) $(SIDE) $(POSITION)

simulator: ## Run the simulated PVS alone (FIRMWARE= PANELS= SIMULATOR="--help")
	@python3 -m pvs_sim $(simulator)

##@ Work on pvs-bridge
# The rings of tests/README.md, from the cheapest on. Each prints how long it took. Tests that PYTEST
# names run completely, whatever their marks.
timed = TIMEFORMAT='make $@: %0R s'; time
named = $(filter tests%,$(PYTEST))
core = $(if $(filter-out no,$(CORE)),-m core)
.PHONY: lint unit test test-all test-attacks test-nightly test-faults test-radio test-image
.PHONY: bench-provision bench-proxy bench-compat bench-image
.PHONY: bench-validate docs lock clean
lint: setup-lint ## Ring 0: the linters
	@$(timed) pytest -q $(if $(named),,tests/lint) $(PYTEST)

unit: setup-validate ## Ring 1: tests that need Python and git only (PYTEST="tests/unit/compat -n0")
	@$(timed) pytest -q $(if $(named),,tests/unit -m "not needs_system" --durations=25) $(PYTEST)

test: $(if $(PYTEST),,lint unit) setup-test ## Ring 2: rings 0 and 1, the core of the bridges (PYTEST="tests/bridges/rollback -k undone")
	@$(timed) $(AS_ROOT) pytest $(if $(named),,-m "needs_system and not slow") --durations=15 $(PYTEST)

test-all: $(if $(PYTEST),,lint unit) setup-test ## Ring 3: everything that runs in containers
	@$(timed) $(AS_ROOT) pytest $(if $(named),,-m needs_system) --durations=25 $(PYTEST)

test-attacks: setup-test ## Everything that attacks the bridge, and a table of the results: under 10 minutes
	@$(timed) $(AS_ROOT) pytest $(if $(named),,-m attack) --durations=15 $(PYTEST)

nightly = $(timed) $(AS_ROOT) pytest $(if $(named),,$(1)) --numprocesses=2 --durations=15 $(core) $(PYTEST)
test-nightly test-image: export PYTHONPATH := $(PYTHONPATH):$(CURDIR)/image
test-nightly: setup-test setup-radio setup-test-image ## Ring 4: faults, wear, radio, SD card and Home Assistant, in hours (CORE=yes)
	@$(call nightly,tests/nightly/faults tests/nightly/wear tests/nightly/radio tests/nightly/image \
		tests/nightly/home_assistant)

test-faults: setup-test setup-radio ## Ring 4, faults and wear: about 20 minutes (CORE=yes PYTEST="-k cable")
	@$(call nightly,tests/nightly/faults tests/nightly/wear)

test-radio: setup-radio ## Ring 4, Wi-Fi in guests of QEMU: about 20 minutes (CORE=yes PYTEST="-k refuses")
	@$(call nightly,tests/nightly/radio)

test-image: setup-test-image ## Ring 4, the SD card that make image has built (CORE=yes PYTEST="-k power")
	@$(call nightly,tests/nightly/image)

bench-provision: setup-lab ## Time provisioning: cold, second run, 1, 4 and 8 bridges
	@$(AS_ROOT) python3 tests/bench/provision.py

bench-proxy: export PYTHONPATH := $(PYTHONPATH):$(CURDIR)/tests:$(CURDIR)/roles/agent/files
bench-proxy: setup-lab ## Compare the proxy with none, the usual lines, nginx and Varnish
	@$(AS_ROOT) python3 tests/bench/proxy.py

bench-compat: export PYTHONPATH := $(PYTHONPATH):$(CURDIR)/tests:$(CURDIR)/roles/agent/files
bench-compat: setup-$(if $(ARCH),$(ARCH),validate) ## Time and memory of the compat service (ARCH=arm64: in a guest too, some minutes)
	@python3 tests/bench/compat.py $(if $(ARCH),--arch $(ARCH))

bench-validate: setup-validate ## Time make validate for 1, 10 and 100 bridges
	@python3 tests/bench/validate.py

bench-image: export PYTHONPATH := $(PYTHONPATH):$(CURDIR)/tests:$(CURDIR)/image
bench-image: setup-test-image ## Time the card: build, rebuild, personalise, first DeviceList
	@python3 tests/bench/image_build.py
	@$(AS_ROOT) python3 tests/bench/image_boot.py

docs: setup-controller ## Write the variables' tables into the role READMEs
	@$(bridgectl) docs

lock: ## Pin the newest Python packages into requirements.lock
	@ansible/tooling/lock.sh

clean: ## Delete .venv and what the tools cached here (the cache in ~/.cache stays)
	rm -rf .venv .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache

.PHONY: setup-validate setup-controller setup-lab setup-radio setup-arm64 setup-card setup-repository
.PHONY: setup-image setup-test-image setup-test setup-lint
setup-validate:
	@ansible/tooling/setup.sh validate
setup-controller:
	@ansible/tooling/setup.sh controller
setup-lab:
	@ansible/tooling/setup.sh lab
setup-radio:
	@ansible/tooling/setup.sh radio
setup-arm64:
	@ansible/tooling/setup.sh arm64
setup-card:
	@ansible/tooling/setup.sh card
setup-repository:
	@ansible/tooling/setup.sh repository
setup-image:
	@ansible/tooling/setup.sh image
setup-test-image:
	@ansible/tooling/setup.sh test-image
setup-test:
	@ansible/tooling/setup.sh test
setup-lint:
	@ansible/tooling/setup.sh lint
