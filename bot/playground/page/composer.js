// The box that people write in: completion, drafts, files. All typing stays in the browser.
const CALLS = {
  "/": /^(\/[\w-]*)$/, // a command is the message's very beginning
  "@": /(?:^|\s)(@[\w.-]*)$/,
  "#": /(?:^|\s)(#[\w-]*)$/,
};
const MOST = 8; // choices shown at once
let count = 0;

export default {
  template: `
    <form class="composer" :class="{ dragging }" @submit.prevent="send"
          @dragover.prevent="dragging = true" @dragleave="dragging = false" @drop.prevent="dropped">
      <ul v-if="choices.length" class="completion" role="listbox" :id="ids.list" aria-label="Completion">
        <li v-for="(choice, index) in choices" :key="choice.name" role="option"
            :id="ids.option + index" :aria-selected="index === chosen ? 'true' : 'false'"
            @mousedown.prevent="take(choice)" @mousemove="chosen = index">
          <b>{{ choice.name }}</b>
          <span class="completion-hint">{{ choice.hint }}</span>
          <span class="completion-detail">{{ choice.detail }}</span>
        </li>
      </ul>
      <div v-else-if="usage" class="usage"><b>{{ usage.name }}</b> {{ usage.hint }}</div>
      <textarea ref="text" v-model="text" rows="1" :placeholder="placeholder" :aria-label="placeholder"
                aria-autocomplete="list" :aria-controls="choices.length ? ids.list : null"
                :aria-activedescendant="choices.length ? ids.option + chosen : null"
                @input="typed" @click="look" @keydown="pressed" @paste="pasted" @blur="close"></textarea>
      <ul v-if="files.length" class="staged" aria-label="Files to send">
        <li v-for="file in files" :key="file.id">
          {{ file.name }}
          <button type="button" :aria-label="'Leave out ' + file.name" @click="leaveOut(file)">×</button>
        </li>
      </ul>
      <div class="composer-row">
        <button type="button" class="icon-button" aria-label="Attach files" title="Attach files" @click="$refs.pick.click()">
          <q-icon name="attach_file" aria-hidden="true"></q-icon>
        </button>
        <input ref="pick" type="file" multiple hidden @change="picked" />
        <span class="composer-note" role="status">{{ note }}</span>
        <button type="submit" class="send" aria-label="Send" title="Send (Enter)" :disabled="isEmpty">
          <q-icon name="send" aria-hidden="true"></q-icon>
        </button>
      </div>
    </form>
  `,
  props: { placeholder: String, completions: Object, draft: String, uploadUrl: String },
  emits: ["send"],
  data() {
    count += 1;
    return {
      text: "",
      choices: [],
      chosen: 0,
      files: [],
      uploading: 0,
      failed: "",
      dragging: false,
      ids: { list: `completion-${count}`, option: `completion-${count}-` },
    };
  },
  computed: {
    isEmpty() {
      return this.uploading > 0 || (!this.text.trim() && !this.files.length);
    },
    note() {
      if (this.uploading) return "Uploading…";
      return this.failed;
    },
    usage() {
      const name = this.text.match(/^(\/[\w-]+)\s/)?.[1];
      return this.completions["/"].find((each) => each.name === name && each.hint);
    },
  },
  watch: {
    draft(now, before) {
      sessionStorage.setItem(before, this.text);
      this.text = sessionStorage.getItem(now) ?? "";
    },
    text() {
      this.$nextTick(this.grow);
    },
  },
  mounted() {
    this.text = sessionStorage.getItem(this.draft) ?? "";
    this.grow();
  },
  methods: {
    takeFocusForTyping() {
      // On phones the keyboard would cover what was just opened.
      if (!matchMedia("(pointer: coarse)").matches) this.takeFocus();
    },
    takeFocus() {
      this.$refs.text.focus({ preventScroll: true });
    },
    grow() {
      const box = this.$refs.text;
      if (!box) return;
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight}px`;
    },
    typed() {
      sessionStorage.setItem(this.draft, this.text);
      this.failed = "";
      this.look();
    },
    look() {
      const before = this.$refs.text.value.slice(0, this.$refs.text.selectionStart);
      for (const [sign, pattern] of Object.entries(CALLS)) {
        const word = before.match(pattern)?.[1];
        if (word !== undefined) return this.offer(sign, word.toLowerCase());
      }
      this.close();
    },
    offer(sign, word) {
      const all = this.completions[sign];
      const begin = all.filter((each) => each.name.toLowerCase().startsWith(word));
      // Names are known by any of their parts: @brown finds Bob Brown. Commands by their beginning.
      const within = sign === "/" ? [] : all.filter(
        (each) => !begin.includes(each) && (each.name + " " + each.detail).toLowerCase().includes(word.slice(1)),
      );
      this.choices = [...begin, ...within].slice(0, MOST);
      this.chosen = 0;
      this.word = word;
    },
    close() {
      this.choices = [];
    },
    take(choice) {
      const box = this.$refs.text;
      const end = box.selectionStart;
      const start = end - this.word.length;
      this.text = `${this.text.slice(0, start)}${choice.name} ${this.text.slice(end).trimStart()}`;
      this.close();
      sessionStorage.setItem(this.draft, this.text);
      const caret = start + choice.name.length + 1;
      this.$nextTick(() => box.setSelectionRange(caret, caret));
    },
    pressed(event) {
      if (event.isComposing) return; // Enter there belongs to the input method
      if (this.choices.length && this.pressedInList(event)) {
        event.preventDefault();
        event.stopPropagation();
      } else if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.send();
      }
    },
    pressedInList(event) {
      const choice = this.choices[this.chosen];
      const isWhole = event.key === "Enter" && choice.name.toLowerCase() === this.word;
      if (event.key === "ArrowDown") this.chosen = (this.chosen + 1) % this.choices.length;
      else if (event.key === "ArrowUp") this.chosen = (this.chosen + this.choices.length - 1) % this.choices.length;
      else if (event.key === "Escape") this.close();
      else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !isWhole)) this.take(choice);
      else return false;
      return true;
    },
    send() {
      if (this.isEmpty) return;
      this.$emit("send", { text: this.text.trim(), files: this.files.map((each) => each.id) });
      this.text = "";
      this.files = [];
      this.close();
      sessionStorage.removeItem(this.draft);
    },
    picked(event) {
      this.upload(event.target.files);
      event.target.value = "";
    },
    pasted(event) {
      if (event.clipboardData.files.length) {
        event.preventDefault();
        this.upload(event.clipboardData.files);
      }
    },
    dropped(event) {
      this.dragging = false;
      this.upload(event.dataTransfer.files);
    },
    async upload(files) {
      this.failed = "";
      for (const file of [...files]) {
        this.uploading += 1;
        try {
          this.files.push({ id: await uploadFile(this.uploadUrl, file), name: file.name });
        } catch {
          this.failed = `${file.name} was not uploaded`;
        } finally {
          this.uploading -= 1;
        }
      }
      this.takeFocus();
    },
    leaveOut(file) {
      this.files = this.files.filter((each) => each !== file);
      this.takeFocus();
    },
  },
};
