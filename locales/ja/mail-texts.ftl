# メールの文面

message-account = アカウント
message-new-email = 新しいアドレス
message-time = 日時
message-device = 端末
message-ip = IPアドレス
message-unknown-device = 不明な端末
message-link = ボタンを押せない場合は、次のURLをブラウザーで開いてください。
message-expires = リンクは1回のみ使用でき、有効期間は{ $time }です。
message-minutes = { $count }分
message-hours = { $count }時間
message-days = { $count }日間
message-footer = このメールは Sekisho（{ $site }）から自動送信されています

## 依頼されたリンク

message-verify_email-subject = メールアドレスの確認
message-verify_email-text = このメールアドレスでアカウントが作成されました。ご自身のアドレスであることを確認してください。
message-verify_email-button = メールアドレスを確認
message-verify_email-ignore = アカウントを作成した覚えがない場合は、このメールを無視してください。アドレスは未確認のままになります。
message-account_exists-subject = すでにアカウントをお持ちです
message-account_exists-text = このメールアドレスで、アカウントの新規作成または別のアカウントのアドレス変更が試みられました。すでにご自身のアカウントで使用されているため、何も変更されていません。ご自身の操作であれば、サインインしてください。
message-account_exists-button = サインイン
message-account_exists-ignore = お心当たりがない場合も、必要な操作はありません。
message-forgot = パスワードをお忘れの場合は、こちらから再設定できます。
message-reset_password-subject = パスワードの再設定
message-reset_password-text = アカウントのパスワード再設定の申請を受け付けました。新しいパスワードを設定すると、すべての端末からサインアウトされます。
message-reset_password-button = 新しいパスワードを設定
message-reset_password-ignore = お心当たりがない場合は、このメールを無視してください。パスワードを含め、何も変更されません。
message-confirm_email-subject = 新しいメールアドレスの確認
message-confirm_email-text = アカウントのメールアドレスをこのアドレスに変更する申請を受け付けました。確認すると変更されます。
message-confirm_email-button = 新しいアドレスを確認
message-confirm_email-ignore = お心当たりがない場合は、このメールを無視してください。何も変更されません。

## セキュリティに関するお知らせ

message-not-me = ご自身の操作であれば、必要な対応はありません。お心当たりがない場合は、すぐにアカウントを保護してください。
message-not-me-button = 心当たりがない
message-not-me-effect = 開いたページで、すべての端末からのサインアウト、変更の取り消し、新しいパスワードの設定ができます。
message-administrator = この操作は管理者が行いました。お心当たりがない場合は、管理者にお問い合わせください。
message-turn-off = 新しい端末に関するメールは、アカウントの設定で停止できます。
message-notice-new_device-subject = 新しい端末またはネットワークからのサインイン
message-notice-new_device-text = これまで使用されたことのない端末またはネットワークから、アカウントへのサインインがありました。
message-notice-password_changed-subject = パスワードが変更されました
message-notice-password_changed-text = アカウントのパスワードが変更されました。
message-notice-email_changed-subject = メールアドレスが変更されました
message-notice-email_changed-text = アカウントのメールアドレスが変更されました。今後のお知らせは新しいアドレスに送信されます。
message-notice-recovery_used-subject = パスワードが再設定されました
message-notice-recovery_used-text = メールのリンクから、アカウントに新しいパスワードが設定されました。すべての端末からサインアウトされています。
message-notice-github_linked-subject = GitHubと連携しました
message-notice-github_linked-text = アカウントがGitHubアカウントと連携されました。今後はGitHubでもサインインできます。
message-notice-github_unlinked-subject = GitHubとの連携が解除されました
message-notice-github_unlinked-text = アカウントからGitHubアカウントの連携が解除されました。今後はそのGitHubアカウントでサインインできません。
message-notice-refresh_reuse-subject = アカウント保護のため端末をサインアウトしました
message-notice-refresh_reuse-text = アプリのサインイン用トークンが2回使用されました。第三者に複製された可能性があるため、該当のセッションを終了しました。複製されたトークンはすべて無効です。アプリで再度サインインしてください。
message-notice-not_me-subject = このメールアドレスはアカウントから外されました
message-notice-not_me-text = 以前のメールアドレスの持ち主が、このアドレスへの変更を取り消しました。すべての端末からサインアウトし、今後このアカウントに関するメールはこのアドレスに届きません。
message-notice-account_deletion_requested-subject = アカウントは7日後に削除されます
message-notice-account_deletion_requested-text = アカウントの削除が申請されました。7日後に、保存されているすべての情報とともに削除されます。それまでにサインインして「アカウントを残す」を選べば、削除を取り消せます。
message-notice-second_factor_added-subject = 二段階認証が有効になりました
message-notice-second_factor_added-text = アカウントに2つ目の認証方法が追加されました。今後のサインインではその認証が求められます。
message-notice-second_factor_removed-subject = 2つ目の認証方法が削除されました
message-notice-second_factor_removed-text = アカウントから2つ目の認証方法が削除されました。今後のサインインではその認証は求められません。
message-notice-second_factor_reset_requested-subject = 二段階認証が解除されます
message-notice-second_factor_reset_requested-text = 管理者への依頼により、24時間後にアカウントの認証アプリ、パスキー、リカバリーコードが削除されます。お心当たりがない場合は、いますぐそのいずれかを使ってサインインしてください。サインインすると解除は中止されます。
message-notice-recovery_code_used-subject = リカバリーコードが使用されました
message-notice-recovery_code_used-text = リカバリーコードを使って、アカウントへのサインインまたは変更の確認が行われました。そのコードは無効になりました。
message-notice-recovery_codes_regenerated-subject = 新しいリカバリーコードが作成されました
message-notice-recovery_codes_regenerated-text = アカウントのリカバリーコードが新しく作成されました。以前のコードは使えません。
message-notice-passkey_added-subject = パスキーが追加されました
message-notice-passkey_added-text = アカウントにパスキーが追加されました。このパスキーを使うと、パスワードなしでサインインできます。
message-notice-passkey_removed-subject = パスキーが削除されました
message-notice-passkey_removed-text = アカウントからパスキーが削除されました。このパスキーでサインインした端末はサインアウトされました。
message-notice-passkey_cloned-subject = パスキーが複製されたおそれがあります
message-notice-passkey_cloned-text = アカウントのパスキーが複製されたおそれのある使われ方をしました。このパスキーはもう使えません。削除して、新しいものを追加してください。
