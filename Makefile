# The commands of the project; `make help` lists them. CMake presets do the building, CTest the testing.
#
# SETUP=no leaves the system's packages alone; JOBS=N bounds the parallel jobs; PREFIX=DIR is where `make install` goes.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := build
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
SETUP ?= yes
sources = $(shell git ls-files -co --exclude-standard 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'bench/*.[ch]' 'examples/*.c')
setup = $(if $(filter no,$(SETUP)),:,tools/setup)
# Configures once; after that the build itself notices what changed. Ninja's progress lines are shown only when they tell something.
define build
@[ -e build/$(1)/build.ninja ] || { echo "building build/$(1)" >&2; mkdir -p build && cmake --preset $(1) >build/configure.log 2>&1; } || \
  { cat build/configure.log >&2; rm -f build/$(1)/build.ninja; exit 1; }
@cmake --build --preset $(1) -j $(JOBS) $(2) -- --quiet 2>&1 | { grep -Ev '^(-- |ninja: no work to do)' || true; }
endef

.PHONY: build
build: ## build the program, the library and the tests
	@$(setup)
	$(call build,release)

.PHONY: run
run: ## train the models of studies/quick.yaml and write runs/quick/report.html
	@$(setup)
	$(call build,release,--target hourglass_program)
	@build/release/hourglass run studies/quick.yaml --out runs/quick

.PHONY: test
test: ## run every test
	@$(setup) --tests
	$(call build,release)
	@ctest --preset release -j $(JOBS)

.PHONY: sanitize
sanitize: ## run the unit tests under the address and undefined-behaviour sanitizers
	@$(setup) --tests
	$(call build,sanitize)
	@ctest --preset sanitize -j $(JOBS)

.PHONY: check
check: check-format check-lint ## formatter, linter, and the rule of includes
	@tests/check_layers.sh src include

.PHONY: check-format
check-format: ## the formatter alone
	@$(setup) --check
	@for file in $(sources); do clang-format --dry-run --Werror $$file 2>/dev/null || { echo "$$file: not in form; run make format"; bad=1; }; done; \
	  exit $${bad:-0}

.PHONY: check-lint
check-lint: ## the linter alone
	@$(setup) --check
	$(call build,debug)
	@tools/lint build/debug $(filter src/%.c,$(sources))

.PHONY: format
format: ## bring every source file into form
	@$(setup) --check
	@clang-format -i $(sources)

.PHONY: coverage
coverage: ## run every test and print the line coverage of src/
	@$(setup) --tests --check
	$(call build,coverage)
	@find build/coverage -name '*.gcda' -delete
	@ctest --preset coverage -j $(JOBS) | tail -n 4
	@gcovr --root . --filter src/ --object-directory build/coverage --print-summary --output build/coverage.txt build/coverage | grep '^lines'
	@echo "by file: build/coverage.txt"

bench = bench/run.sh
.PHONY: bench bench-all bench-power bench-warm bench-latency bench-memory bench-scale bench-data bench-startup bench-profile bench-tsne bench-svm
bench: bench-programs ## time the seven networks beside PyTorch, Keras, oneDNN, ONNX Runtime; QUICK=1 for a short look
	@$(bench) run.py
bench-all: ## all of them, two and a half hours; then the tables of docs/performance.md
	@for part in -warm "" -latency -memory -scale -data -startup -profile -power -tsne -svm; do $(MAKE) bench$$part || exit 1; done
	@tools/performance --collect
bench-power: bench-programs ## what the processors, their caches and their memory can do
	@NO_PEER=1 $(bench) power.py
bench-warm: bench-programs ## compile what PyTorch will be asked for in `make bench`
	@$(bench) run.py --warm
bench-latency: bench-programs ## one image at a time, beside PyTorch and ONNX Runtime
	@$(bench) latency.py
bench-memory: bench-programs ## peak memory of training, beside PyTorch and beside what the plan predicts
	@$(bench) memory.py
bench-scale: bench-programs ## how cost grows with batch, width, depth, data and threads
	@$(bench) scale.py
bench-profile: bench-programs ## where the time of each network goes, step by step
	@NO_PEER=1 $(bench) roofline.py
bench-data: bench-programs ## does the data path keep up? Augmented training; decoding 60,000 JPEG images
	@$(bench) data.py
bench-startup: bench-programs ## how long the program takes to start, and a short run beside its training
	@NO_PEER=1 $(bench) startup.py
bench-tsne: bench-programs ## time t-SNE beside scikit-learn, openTSNE and Rtsne
	@$(bench) tsne_peer.py
	@$(bench) tsne_peer.py 70000
bench-svm: bench-programs ## time kernel support vector machines beside scikit-learn
	@$(bench) svm_peer.py
.PHONY: bench-programs
bench-programs:
	@$(setup) --bench
	$(call build,release,--target bench_programs hourglass_program)

# The longest first, so that two side by side end together.
reports = denoise-and-transfer autoencoder-from-scratch joint-autoencoder convnet-foundations small-image-classifiers five-garments

.PHONY: studies
studies: ## train the studies of the five reports (hours; goes on where it was interrupted) and write docs/results.md
	@$(setup)
	$(call build,release,--target hourglass_program)
	@tools/studies $(reports)

.PHONY: records
records: ## train the figures to go beyond: records and studies that go further (hours), and write docs/results.md
	@$(setup)
	$(call build,release,--target hourglass_program)
	@tools/studies records six-centroids transfer-longer five-wider five-longer garments-wider six-longer whitened five-whitened whole-training-sets

.PHONY: install
install: ## install the program and the library under PREFIX
	$(call build,release)
	@cmake --install build/release --prefix $(PREFIX) >build/install.log || { cat build/install.log; exit 1; }
	@[ "$$(id -u)" != 0 ] || [ -n "$$DESTDIR" ] || PATH="$$PATH:/sbin" ldconfig || true
	@echo "installed under $(PREFIX)"
	@folder=$$(dirname $$(dirname $$(grep -m 1 'hourglass\.pc$$' build/release/install_manifest.txt))); \
	  case $$folder in /usr/lib*|/usr/local/lib*) ;; \
	  *) echo "to build against it: export PKG_CONFIG_PATH=$$folder/pkgconfig LD_LIBRARY_PATH=$$folder";; esac

.PHONY: clean
clean: ## remove build/; runs/ stays
	@rm -rf build

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
