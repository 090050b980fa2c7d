-- What language servers found in a file, all of them: Neovim hands over to a server only what it found itself.
local M = {}

local function as_lsp(found, buf, client)
  local of_server = found.user_data and found.user_data.lsp
  if of_server then
    return of_server
  end
  local function position(row, column)
    local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
    local at = math.min(column, #line)
    return { line = row, character = vim.str_utfindex(line, client.offset_encoding, at, false) }
  end
  local start = position(found.lnum, found.col)
  return {
    range = { start = start, ["end"] = position(found.end_lnum or found.lnum, found.end_col or found.col) },
    severity = found.severity,
    message = found.message,
    source = found.source,
  }
end

--- Those that touch some lines, as LSP has them.
---@param buf integer
---@param lines { [1]: integer, [2]: integer } from 1
---@param client vim.lsp.Client
---@return lsp.Diagnostic[]
function M.within(buf, lines, client)
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(buf)) do
    if each.lnum < lines[2] and (each.end_lnum or each.lnum) >= lines[1] - 1 then
      table.insert(found, as_lsp(each, buf, client))
    end
  end
  return found
end

return M
