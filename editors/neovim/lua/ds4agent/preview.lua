-- An edit is looked at before it is made: its diff in a window, and a question below.
--
-- Neovim 0.12 asks for annotated edits by itself, without showing them, and 0.11 makes them unasked. So every edit
-- of the server's comes through here, in both, and goes on to Neovim without what would make it ask again.
local api = vim.api

local M = {}

local difference = vim.text.diff or vim.diff

-- A file's lines as they are: of its buffer, else of the disk; none of one that is new.
local function lines_of(uri)
  local name = vim.uri_to_fname(uri)
  -- Not bufnr(): where no buffer has this name, it takes one whose name only begins with it.
  for _, buf in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(buf) and api.nvim_buf_get_name(buf) == name then
      return api.nvim_buf_get_lines(buf, 0, -1, false)
    end
  end
  return vim.fn.filereadable(name) == 1 and vim.fn.readfile(name) or {}
end

-- A text as it is, and as it would be.
local function both(lines, edits, encoding)
  local scratch = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(scratch, 0, -1, false, lines)
  local plain = vim.tbl_map(function(edit) return { range = edit.range, newText = edit.newText } end, edits)
  vim.lsp.util.apply_text_edits(plain, scratch, encoding)
  local made = api.nvim_buf_get_lines(scratch, 0, -1, false)
  api.nvim_buf_delete(scratch, { force = true })
  local before = #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
  return before, table.concat(made, "\n") .. "\n"
end

-- Edits by file, and the lines that say which files come, go or are renamed.
local function parts(edit)
  local edits, said = {}, {}
  for uri, list in pairs(edit.changes or {}) do
    table.insert(edits, { uri = uri, edits = list })
  end
  for _, change in ipairs(edit.documentChanges or {}) do
    if change.kind then
      table.insert(said, ("%s %s"):format(change.kind, vim.uri_to_fname(change.uri or change.newUri)))
    else
      table.insert(edits, { uri = change.textDocument.uri, edits = change.edits })
    end
  end
  return edits, said
end

--- The lines of a WorkspaceEdit's diff.
---@param edit lsp.WorkspaceEdit
---@param encoding string
---@return string[]
function M.diff(edit, encoding)
  local edits, lines = parts(edit)
  for _, part in ipairs(edits) do
    local before, then_ = both(lines_of(part.uri), part.edits, encoding)
    local name = vim.fn.fnamemodify(vim.uri_to_fname(part.uri), ":~:.")
    vim.list_extend(lines, { "--- " .. name, "+++ " .. name })
    vim.list_extend(lines, vim.split(vim.trim(difference(before, then_, { ctxlen = 3 })), "\n"))
  end
  return lines
end

-- Above the command line, where the question is.
local function open(lines, title)
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].filetype = "diff"
  vim.bo[buf].bufhidden = "wipe"
  local room = math.max(1, vim.o.lines - vim.o.cmdheight - 6)
  local height = math.min(#lines, room)
  local window = api.nvim_open_win(buf, false, {
    relative = "editor",
    row = math.max(0, room - height),
    col = 2,
    width = math.max(20, vim.o.columns - 6),
    height = height,
    border = "rounded",
    style = "minimal",
    title = " " .. title .. " ",
  })
  return window, height < #lines
end

--- Show a diff and ask. One that is longer than the screen is leafed through.
---@param lines string[]
---@param title string
---@param question string
---@return boolean
function M.ask(lines, title, question)
  local window, long = open(lines, title)
  local choices = "&Yes\n&No" .. (long and "\n&Further" or "")
  local answer
  repeat
    vim.cmd.redraw()
    answer = vim.fn.confirm(question, choices, 1, "Question")
    if answer == 3 then
      api.nvim_win_call(window, function() vim.cmd.normal({ vim.keycode("<C-f>"), bang = true }) end)
    end
  until answer ~= 3
  api.nvim_win_close(window, true)
  return answer == 1
end

-- The edit without what would make Neovim ask.
local function unannotated(edit)
  edit = vim.deepcopy(edit)
  edit.changeAnnotations = nil
  for _, part in ipairs(parts(edit)) do
    for _, change in ipairs(part.edits) do
      change.annotationId = nil
    end
  end
  return edit
end

-- The name of a file that has changed since the server saw it. (The server looks, too; it may not have heard yet.)
local function outdated(edit)
  for _, part in ipairs(edit.documentChanges or {}) do
    local document = part.textDocument
    local version = document and document.version
    if version and version ~= vim.NIL then
      local now = vim.lsp.util.buf_versions[vim.uri_to_bufnr(document.uri)]
      if now and now > version then
        return vim.fn.fnamemodify(vim.uri_to_fname(document.uri), ":~:.")
      end
    end
  end
end

--- An edit that the user has agreed to, or nil.
---@param edit lsp.WorkspaceEdit
---@return lsp.WorkspaceEdit?
function M.agreed(edit, client, title)
  local name = outdated(edit)
  if name then
    vim.notify(
      ("ds4agent: %s has changed meanwhile, so nothing was changed"):format(name),
      vim.log.levels.WARN
    )
    return nil
  end
  local lines = M.diff(edit, client.offset_encoding)
  if not M.ask(lines, title or "ds4agent", "Apply these changes?") then
    return nil
  end
  return unannotated(edit)
end

--- Make an edit that the user agrees to.
---@return boolean applied
function M.apply(edit, client, title)
  local agreed = M.agreed(edit, client, title)
  if agreed then
    vim.lsp.util.apply_workspace_edit(agreed, client.offset_encoding)
  end
  return agreed ~= nil
end

--- Have the edits of code actions come through here: Neovim gets them by codeAction/resolve, and applies what it gets.
---@param client vim.lsp.Client
function M.intercept(client)
  local request = client.request
  client.request = function(self, method, params, handler, buf)
    if method ~= "codeAction/resolve" or not handler then
      return request(self, method, params, handler, buf)
    end
    return request(self, method, params, function(err, action, context)
      if err then
        return vim.notify("ds4agent: " .. err.message, vim.log.levels.ERROR)
      end
      action.edit = action.edit and M.agreed(action.edit, client, action.title)
      handler(nil, action, context)
    end, buf)
  end
end

return M
